// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "480 bytes of stack: the most that the calling glue leaves a KF", "hook": "xdp", "program": "with_480_bytes", "expect": "PASS", "kernel": "5.10", "runs": 0}
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/* Fills exactly so much of the stack that the verifier must count it: the index is not known at compile time. */
SEC("xdp")
int with_480_bytes(struct xdp_md *ctx)
{
	volatile __u8 bytes[480];
	__u32 index = ctx->rx_queue_index;

	for (int i = 0; i < 480; i++)
		bytes[i] = i;
	if (index >= 480)
		return XDP_DROP;
	return bytes[index] == (__u8)index ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
