// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "no type information at all", "hook": "xdp", "program": "without_btf", "expect": "PASS", "kernel": "5.10", "runs": 0, "flags": ["-g0"]}
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

static __attribute__((noinline)) int bytes_of(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data;
}

SEC("xdp")
int without_btf(struct xdp_md *ctx)
{
	return bytes_of(ctx) > 0 ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
