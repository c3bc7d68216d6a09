// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts packets and bytes by protocol. Passes everything. See README.md.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "packet.h"

/* What a packet is counted as: an IP protocol by its number, or one of the names from 256 on. */
enum counted_as {
	COUNTED_AS_ICMP = 1,
	COUNTED_AS_IGMP = 2,
	COUNTED_AS_IPIP = 4,
	COUNTED_AS_TCP = 6,
	COUNTED_AS_UDP = 17,
	COUNTED_AS_DCCP = 33,
	COUNTED_AS_IPV6 = 41,
	COUNTED_AS_GRE = 47,
	COUNTED_AS_ESP = 50,
	COUNTED_AS_ICMPV6 = 58,
	COUNTED_AS_OSPF = 89,
	COUNTED_AS_PIM = 103,
	COUNTED_AS_VRRP = 112,
	COUNTED_AS_SCTP = 132,
	COUNTED_AS_UDPLITE = 136,
	COUNTED_AS_NOT_IP = 256,
	COUNTED_AS_MALFORMED = 257,
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 258);
	__type(key, enum counted_as);
	__type(value, struct traffic);
} protocols SEC(".maps");

static __always_inline enum counted_as name_of(enum packet_kind kind, const struct packet *packet)
{
	if (kind == PACKET_NOT_IP)
		return COUNTED_AS_NOT_IP;
	return kind == PACKET_MALFORMED ? COUNTED_AS_MALFORMED : (enum counted_as)packet->protocol;
}

static __always_inline void count(enum counted_as name, __u64 packets, __u64 bytes)
{
	struct traffic *traffic = bpf_map_lookup_elem(&protocols, &name);

	if (!traffic) {
		const struct traffic none = {};

		/* Whoever loses this race finds the entry of the other. */
		bpf_map_update_elem(&protocols, &name, &none, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(&protocols, &name);
		if (!traffic)
			return;
	}
	traffic->packets += packets;
	traffic->bytes += bytes;
}

SEC("xdp")
int flow_counter(struct xdp_md *ctx)
{
	struct packet packet;
	enum packet_kind kind = packet_read_xdp(ctx, &packet);

	count(name_of(kind, &packet), 1, ctx->data_end - ctx->data);
	return XDP_PASS;
}

SEC("tc")
int flow_counter_tc(struct __sk_buff *skb)
{
	struct packet packet;
	enum packet_kind kind = packet_read_tc(skb, &packet);

	/* The stack may carry many packets of a stream as one: count what goes over the wire. */
	count(name_of(kind, &packet), skb->gso_segs ? skb->gso_segs : 1, skb->wire_len);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
