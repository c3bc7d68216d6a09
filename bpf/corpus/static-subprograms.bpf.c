// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "static subprograms, one calling another, with packet pointers as arguments", "hook": "xdp", "program": "with_static_subprograms", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

static __attribute__((noinline)) int first_byte(const __u8 *at, const __u8 *end)
{
	return at + 1 <= end ? *at : -1;
}

static __attribute__((noinline)) int judge(struct xdp_md *ctx)
{
	const __u8 *data = (const __u8 *)(long)ctx->data;

	ran();
	return first_byte(data, (const __u8 *)(long)ctx->data_end) < 0 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int with_static_subprograms(struct xdp_md *ctx)
{
	return judge(ctx);
}
