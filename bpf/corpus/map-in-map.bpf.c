// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "an array of maps and a hash of maps, filled when the object is loaded", "hook": "xdp", "program": "with_inner_maps", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} first_inner SEC(".maps"), second_inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} by_index SEC(".maps") = {
	.values = { &first_inner, &second_inner },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(values, struct inner);
} by_key SEC(".maps") = {
	.values = { [5] = &second_inner },
};

SEC("xdp")
int with_inner_maps(struct xdp_md *ctx)
{
	__u32 one = 1, five = 5, zero = 0;
	__u64 value = 42, *found;
	void *inner = bpf_map_lookup_elem(&by_index, &one);

	(void)ctx;
	ran();
	if (!inner || bpf_map_update_elem(inner, &zero, &value, BPF_ANY))
		return XDP_DROP;
	inner = bpf_map_lookup_elem(&by_key, &five);
	if (!inner)
		return XDP_DROP;
	/* The same inner map by both ways. */
	found = bpf_map_lookup_elem(inner, &zero);
	return found && *found == 42 ? XDP_PASS : XDP_DROP;
}
