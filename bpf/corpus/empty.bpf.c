// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "the smallest program: no map, no data, one instruction and exit", "hook": "xdp", "program": "empty", "expect": "PASS", "kernel": "5.10", "runs": 0}
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("xdp")
int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
