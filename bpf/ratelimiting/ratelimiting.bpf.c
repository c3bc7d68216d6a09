// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Limits the packets per second of each source address by a token bucket. See README.md.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "packet.h"

#define NANOSECONDS 1000000000ULL

/* How many bits of an address make a source. */
const volatile __u8 ipv4_source_bits = 32;
const volatile __u8 ipv6_source_bits = 128;

struct rate {
	/* 0: no limit. */
	__u32 packets_per_second;
	/* Packets that may come at once after a pause; 0: one second's worth. */
	__u32 burst;
};

struct source {
	__u8 address[16];
};

/*
 * Credit is counted in packets times 10^9: what a nanosecond earns is then packets_per_second, a whole number, so that
 * nothing is ever rounded, whatever the rate and however often packets come.
 */
struct bucket {
	__u64 credit;
	/* CLOCK_MONOTONIC, in nanoseconds. */
	__u64 refilled_at;
	__u64 passed;
	__u64 dropped;
};

struct stripe {
	struct bpf_spin_lock lock;
};

struct outcomes {
	__u64 passed;
	__u64 dropped;
	__u64 malformed;
	__u64 not_ip;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rate);
} rate_limit SEC(".maps");

/* The least recently seen source is forgotten first. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct source);
	__type(value, struct bucket);
} sources SEC(".maps");

#define STRIPES 1024

/* The kernel allows no lock inside an LRU map, so sources share these by a hash of their address. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STRIPES);
	__type(key, __u32);
	__type(value, struct stripe);
} stripes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct outcomes);
} ratelimiting_outcomes SEC(".maps");

static __always_inline __u64 leading_bits(int bits)
{
	if (bits <= 0)
		return 0;
	return bits >= 64 ? ~0ULL : bpf_cpu_to_be64(~0ULL << (64 - bits));
}

/* The source a packet is counted under: its address, without the bits that the constants leave out. */
static __always_inline void source_of(const struct packet *packet, struct source *source)
{
	const __u64 *address = (const __u64 *)packet->source;
	__u64 *masked = (__u64 *)source->address;
	int bits = packet->is_ipv6 ? ipv6_source_bits : 96 + ipv4_source_bits;

	masked[0] = address[0] & leading_bits(bits);
	masked[1] = address[1] & leading_bits(bits - 64);
}

static __always_inline __u32 stripe_of(const struct source *source)
{
	const __u64 *words = (const __u64 *)source->address;
	__u64 mixed = (words[0] ^ words[1] * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;

	return (mixed >> 32) % STRIPES;
}

/* Finds the bucket of a source; a new one starts full. */
static __always_inline struct bucket *bucket_of(const struct source *source, __u64 capacity, __u64 now)
{
	struct bucket *bucket = bpf_map_lookup_elem(&sources, source);

	if (bucket)
		return bucket;

	const struct bucket full = { .credit = capacity, .refilled_at = now };

	/* Whoever loses this race finds the bucket of the other. */
	bpf_map_update_elem(&sources, source, &full, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sources, source);
}

/* Takes one packet's credit. To be called with the stripe locked: no calls, no early way out. */
static __always_inline bool take(struct bucket *bucket, __u64 rate, __u64 capacity, __u64 now)
{
	/* Another processor may have been here since, with a later time. */
	if (now > bucket->refilled_at) {
		__u64 elapsed = now - bucket->refilled_at;

		/* A pause that fills the bucket is not multiplied out, for it could overflow. */
		if (elapsed > capacity / rate)
			bucket->credit = capacity;
		else
			bucket->credit += elapsed * rate;
		bucket->refilled_at = now;
	}
	/* Also when the limit has been lowered. */
	if (bucket->credit > capacity)
		bucket->credit = capacity;
	if (bucket->credit < NANOSECONDS) {
		bucket->dropped++;
		return false;
	}
	bucket->credit -= NANOSECONDS;
	bucket->passed++;
	return true;
}

static __always_inline bool within_limit(const struct packet *packet, const struct rate *limit)
{
	__u64 rate = limit->packets_per_second;
	__u64 burst = limit->burst ? limit->burst : rate;
	__u64 capacity = burst * NANOSECONDS;
	__u64 now = bpf_ktime_get_ns();
	struct stripe *stripe;
	struct bucket *bucket;
	struct source source;
	__u32 index;
	bool passes;

	if (rate == 0)
		return true;
	source_of(packet, &source);
	index = stripe_of(&source);
	bucket = bucket_of(&source, capacity, now);
	stripe = bpf_map_lookup_elem(&stripes, &index);
	/* No memory for a bucket: a limiter that cannot count does not stop the traffic. */
	if (!bucket || !stripe)
		return true;
	bpf_spin_lock(&stripe->lock);
	passes = take(bucket, rate, capacity, now);
	bpf_spin_unlock(&stripe->lock);
	return passes;
}

/* The whole decision; the two programs only translate it into their verdicts. */
static __always_inline bool admit(enum packet_kind kind, const struct packet *packet)
{
	__u32 zero = 0;
	struct outcomes *outcomes = bpf_map_lookup_elem(&ratelimiting_outcomes, &zero);
	struct rate *limit = bpf_map_lookup_elem(&rate_limit, &zero);

	if (!outcomes || !limit)
		return true;
	if (kind == PACKET_NOT_IP) {
		outcomes->not_ip++;
		return true;
	}
	/* Without a readable address there is no source to count under; a firewall decides on such packets. */
	if (!packet->has_addresses) {
		outcomes->malformed++;
		return true;
	}
	if (!within_limit(packet, limit)) {
		outcomes->dropped++;
		return false;
	}
	outcomes->passed++;
	return true;
}

SEC("xdp")
int ratelimiting(struct xdp_md *ctx)
{
	struct packet packet;
	enum packet_kind kind = packet_read_xdp(ctx, &packet);

	return admit(kind, &packet) ? XDP_PASS : XDP_DROP;
}

SEC("tc")
int ratelimiting_tc(struct __sk_buff *skb)
{
	struct packet packet;
	enum packet_kind kind = packet_read_tc(skb, &packet);

	return admit(kind, &packet) ? TC_ACT_OK : TC_ACT_SHOT;
}

char _license[] SEC("license") = "Dual BSD/GPL";
