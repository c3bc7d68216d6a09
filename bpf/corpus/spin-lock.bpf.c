// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a spin lock in a map value", "hook": "xdp", "program": "with_lock", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

struct locked {
	struct bpf_spin_lock lock;
	__u32 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} totals SEC(".maps");

SEC("xdp")
int with_lock(struct xdp_md *ctx)
{
	__u64 bytes = ctx->data_end - ctx->data;
	__u32 zero = 0;
	struct locked *total = bpf_map_lookup_elem(&totals, &zero);

	ran();
	if (!total)
		return XDP_DROP;
	bpf_spin_lock(&total->lock);
	total->packets++;
	total->bytes += bytes;
	bpf_spin_unlock(&total->lock);
	return XDP_PASS;
}
