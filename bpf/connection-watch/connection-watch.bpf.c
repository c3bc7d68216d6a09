// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts TCP connections that are asked for on the interface, and what becomes of the host's. See README.md.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "packet.h"

struct connections {
	/* Seen on the interface. */
	__u64 requests;
	/* Done by the host, on all its interfaces and in all its network namespaces. */
	__u64 accepted;
	__u64 opened;
	__u64 closed;
	__u64 failed;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct connections);
} connections SEC(".maps");

static __always_inline struct connections *counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&connections, &zero);
}

static __always_inline void count_request(enum packet_kind kind, const struct packet *packet)
{
	struct connections *count = counters();

	if (count && kind == PACKET_IP && packet->is_tcp_request)
		count->requests++;
}

SEC("xdp")
int connection_watch(struct xdp_md *ctx)
{
	struct packet packet;
	enum packet_kind kind = packet_read_xdp(ctx, &packet);

	count_request(kind, &packet);
	return XDP_PASS;
}

SEC("tc")
int connection_watch_tc(struct __sk_buff *skb)
{
	struct packet packet;
	enum packet_kind kind = packet_read_tc(skb, &packet);

	count_request(kind, &packet);
	return TC_ACT_OK;
}

/* Comes along with whichever of the two is in a chain, and is released with it. */
SEC("tracepoint/sock/inet_sock_set_state")
int connection_states(struct trace_event_raw_inet_sock_set_state *change)
{
	struct connections *count = counters();
	int from = change->oldstate, to = change->newstate;

	if (!count || change->protocol != PROTOCOL_TCP)
		return 0;
	/* Atomic, for a packet may come in the middle of a system call. */
	if (to == TCP_ESTABLISHED)
		__sync_fetch_and_add(from == TCP_SYN_SENT ? &count->opened : &count->accepted, 1);
	else if (to == TCP_CLOSE && (from == TCP_SYN_SENT || from == TCP_SYN_RECV))
		__sync_fetch_and_add(&count->failed, 1);
	else if (to == TCP_CLOSE && from != TCP_LISTEN)
		__sync_fetch_and_add(&count->closed, 1);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
