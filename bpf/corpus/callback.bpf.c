// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a callback: a function reference inside the program that must move with it", "hook": "xdp", "program": "with_callback", "expect": "PASS", "kernel": "5.13"}
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

static long mark(void *map, const __u32 *key, __u64 *value, void *context)
{
	(void)map;
	(void)key;
	(void)context;
	*value = 42;
	return 0;
}

SEC("xdp")
int with_callback(struct xdp_md *ctx)
{
	__u32 last = 7;
	__u64 *value = bpf_map_lookup_elem(&numbers, &last);

	(void)ctx;
	ran();
	bpf_for_each_map_elem(&numbers, mark, NULL, 0);
	return value && *value == 42 ? XDP_PASS : XDP_DROP;
}
