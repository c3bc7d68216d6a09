// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a bloom filter", "hook": "xdp", "program": "with_bloom_filter", "expect": "PASS", "kernel": "5.16"}
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 1000);
	__uint(map_extra, 3);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int with_bloom_filter(struct xdp_md *ctx)
{
	__u64 value = 42;

	(void)ctx;
	ran();
	bpf_map_push_elem(&seen, &value, BPF_ANY);
	return bpf_map_peek_elem(&seen, &value) == 0 ? XDP_PASS : XDP_DROP;
}
