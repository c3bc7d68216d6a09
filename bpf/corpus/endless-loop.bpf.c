// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a loop without end: the verifier gives up", "hook": "xdp", "program": "never_ends", "expect": {"refused": "verifier-refused"}, "kernel": "5.10"}
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("xdp")
int never_ends(struct xdp_md *ctx)
{
	volatile __u32 number = ctx->rx_queue_index;

	while (number != 1)
		number = number * 3 + 1;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
