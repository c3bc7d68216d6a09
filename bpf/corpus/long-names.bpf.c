// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "names of a program and a map that the kernel cuts to 15 characters", "hook": "xdp", "program": "a_program_whose_name_is_longer_than_the_kernel_keeps", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} a_map_whose_name_is_longer_too SEC(".maps"), a_map_whose_name_is_longer_also SEC(".maps");

SEC("xdp")
int a_program_whose_name_is_longer_than_the_kernel_keeps(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *first = bpf_map_lookup_elem(&a_map_whose_name_is_longer_too, &zero);
	__u64 *second = bpf_map_lookup_elem(&a_map_whose_name_is_longer_also, &zero);

	(void)ctx;
	ran();
	if (!first || !second)
		return XDP_DROP;
	*first += 1;
	*second += 2;
	return XDP_PASS;
}
