// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "devmap, hashed devmap and cpumap, all empty: the verdict falls back to PASS", "hook": "xdp", "program": "with_redirect_maps", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

#define TARGETS(name, kind)                         \
	struct {                                    \
		__uint(type, kind);                 \
		__uint(max_entries, 4);             \
		__uint(key_size, sizeof(__u32));    \
		__uint(value_size, sizeof(__u32));  \
	} name SEC(".maps")

TARGETS(devices, BPF_MAP_TYPE_DEVMAP);
TARGETS(hashed_devices, BPF_MAP_TYPE_DEVMAP_HASH);
TARGETS(processors, BPF_MAP_TYPE_CPUMAP);

SEC("xdp")
int with_redirect_maps(struct xdp_md *ctx)
{
	(void)ctx;
	ran();
	if (bpf_redirect_map(&devices, 0, XDP_PASS) != XDP_PASS)
		return XDP_DROP;
	if (bpf_redirect_map(&hashed_devices, 0, XDP_PASS) != XDP_PASS)
		return XDP_DROP;
	return bpf_redirect_map(&processors, 0, XDP_PASS);
}
