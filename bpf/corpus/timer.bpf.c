// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a timer in a map value, whose callback lives in the program", "hook": "xdp", "program": "with_timer", "expect": "PASS", "kernel": "5.15"}
#include "corpus.h"

struct bpf_timer {
	__u64 : 64;
	__u64 : 64;
} __attribute__((aligned(8)));

struct ticking {
	struct bpf_timer timer;
	__u64 ticks;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ticking);
} timers SEC(".maps");

static int tick(void *map, __u32 *key, struct ticking *value)
{
	(void)map;
	(void)key;
	value->ticks++;
	return 0;
}

SEC("xdp")
int with_timer(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct ticking *ticking = bpf_map_lookup_elem(&timers, &zero);

	(void)ctx;
	ran();
	if (!ticking)
		return XDP_DROP;
	/* CLOCK_MONOTONIC; a second packet finds it set up already. */
	bpf_timer_init(&ticking->timer, &timers, 1);
	bpf_timer_set_callback(&ticking->timer, tick);
	bpf_timer_start(&ticking->timer, 1000000, 0);
	return XDP_PASS;
}
