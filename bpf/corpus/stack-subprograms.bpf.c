// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "320 bytes of stack in the entry and 160 in a subprogram: 480 together", "hook": "xdp", "program": "with_deep_calls", "expect": "PASS", "kernel": "5.10", "runs": 0}
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

static __attribute__((noinline)) int deeper(__u32 index)
{
	volatile __u8 bytes[152];

	for (int i = 0; i < 152; i++)
		bytes[i] = i;
	return index < 152 ? bytes[index] : -1;
}

SEC("xdp")
int with_deep_calls(struct xdp_md *ctx)
{
	volatile __u8 bytes[304];
	__u32 index = ctx->rx_queue_index;

	for (int i = 0; i < 304; i++)
		bytes[i] = i;
	if (index >= 152)
		return XDP_DROP;
	return bytes[index] == deeper(index) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
