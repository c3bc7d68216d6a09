// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Denies packets by source prefix, destination prefix, and protocol with destination port. See README.md.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "packet.h"

enum action {
	ACTION_PASS,
	ACTION_DROP,
};

/* What happens to an IP packet that no rule names. */
const volatile enum action default_action = ACTION_PASS;
/* What happens to a packet whose headers cannot be read. */
const volatile enum action malformed_action = ACTION_DROP;

struct prefix {
	__u32 prefix_length;
	__u8 address[16];
};

/* Written as "udp/53". Port 0 stands for the whole protocol. */
struct port {
	__u16 protocol;
	__u16 port;
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct outcomes {
	__u64 passed;
	__u64 denied_by_rule;
	__u64 dropped_by_default;
	__u64 malformed;
	__u64 not_ip;
};

/* The value of a rule is its number: what it denies is counted under it. 0 makes an exception: allow. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} deny_sources SEC(".maps"), deny_destinations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct port);
	__type(value, __u32);
} deny_ports SEC(".maps");

/* By rule number; under 0, what default_action dropped. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct traffic);
} rule_drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct outcomes);
} firewall_outcomes SEC(".maps");

enum judgement {
	NO_RULE,
	ALLOWED,
	DENIED,
};

static __always_inline void count_drop(__u32 rule, __u64 bytes)
{
	struct traffic *traffic = bpf_map_lookup_elem(&rule_drops, &rule);

	if (!traffic) {
		const struct traffic none = {};

		/* Whoever loses this race finds the entry of the other. */
		bpf_map_update_elem(&rule_drops, &rule, &none, BPF_NOEXIST);
		traffic = bpf_map_lookup_elem(&rule_drops, &rule);
		if (!traffic)
			return;
	}
	traffic->packets++;
	traffic->bytes += bytes;
}

/* Adds what one map says to the judgement so far: a denial by any map stands, an exception only lifts the default. */
static __always_inline enum judgement weigh(enum judgement so_far, const __u32 *value, __u32 *rule)
{
	if (so_far == DENIED || !value)
		return so_far;
	if (*value == 0)
		return ALLOWED;
	*rule = *value;
	return DENIED;
}

static __always_inline enum judgement judge(const struct packet *packet, __u32 *rule)
{
	struct prefix prefix = { .prefix_length = 128 };
	enum judgement judgement = NO_RULE;
	struct port port = { .protocol = packet->protocol };

	__builtin_memcpy(prefix.address, packet->source, 16);
	judgement = weigh(judgement, bpf_map_lookup_elem(&deny_sources, &prefix), rule);
	if (judgement == DENIED)
		return judgement;
	__builtin_memcpy(prefix.address, packet->destination, 16);
	judgement = weigh(judgement, bpf_map_lookup_elem(&deny_destinations, &prefix), rule);
	if (judgement == DENIED)
		return judgement;

	const __u32 *value = NULL;

	/* A rule for the port goes before one for the whole protocol, as the longer prefix does. */
	if (packet->has_ports) {
		port.port = packet->destination_port;
		value = bpf_map_lookup_elem(&deny_ports, &port);
	}
	if (!value) {
		port.port = 0;
		value = bpf_map_lookup_elem(&deny_ports, &port);
	}
	return weigh(judgement, value, rule);
}

/* The whole decision; the two programs only translate it into their verdicts. */
static __always_inline enum action filter(enum packet_kind kind, const struct packet *packet, __u64 bytes)
{
	__u32 zero = 0, rule = 0;
	struct outcomes *outcomes = bpf_map_lookup_elem(&firewall_outcomes, &zero);

	if (!outcomes)
		return ACTION_DROP;
	if (kind == PACKET_NOT_IP) {
		outcomes->not_ip++;
		return ACTION_PASS;
	}
	if (kind == PACKET_MALFORMED) {
		outcomes->malformed++;
		return malformed_action;
	}
	switch (judge(packet, &rule)) {
	case DENIED:
		outcomes->denied_by_rule++;
		count_drop(rule, bytes);
		return ACTION_DROP;
	case NO_RULE:
		if (default_action == ACTION_PASS)
			break;
		outcomes->dropped_by_default++;
		count_drop(0, bytes);
		return ACTION_DROP;
	case ALLOWED:
		break;
	}
	outcomes->passed++;
	return ACTION_PASS;
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	struct packet packet;
	enum packet_kind kind = packet_read_xdp(ctx, &packet);

	return filter(kind, &packet, ctx->data_end - ctx->data) == ACTION_DROP ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int firewall_tc(struct __sk_buff *skb)
{
	struct packet packet;
	enum packet_kind kind = packet_read_tc(skb, &packet);

	return filter(kind, &packet, skb->len) == ACTION_DROP ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
