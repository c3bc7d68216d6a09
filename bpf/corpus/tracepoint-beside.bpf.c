// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a tracepoint program that an object brings along: attached and released with its chain", "hook": "xdp", "program": "beside_a_tracepoint", "expect": "PASS", "kernel": "5.10", "tracepoints": ["counts_switches"]}
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} switches SEC(".maps");

SEC("xdp")
int beside_a_tracepoint(struct xdp_md *ctx)
{
	(void)ctx;
	ran();
	return XDP_PASS;
}

/* Counts up all the time while it is attached, and not at all when it is not. */
SEC("tracepoint/sched/sched_switch")
int counts_switches(void *ctx)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&switches, &zero);

	(void)ctx;
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}
