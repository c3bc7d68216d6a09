// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "atomic instructions that give back the old value", "hook": "xdp", "program": "with_atomics", "expect": "PASS", "kernel": "5.12", "cpu": "v3"}
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} word SEC(".maps");

SEC("xdp")
int with_atomics(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&word, &zero), old;

	(void)ctx;
	ran();
	if (!value)
		return XDP_DROP;
	old = __sync_fetch_and_add(value, 5);
	return __sync_val_compare_and_swap(value, old + 5, old) == old + 5 ? XDP_PASS : XDP_DROP;
}
