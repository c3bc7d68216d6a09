// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "global subprograms, verified one by one: with the context, with a number", "hook": "xdp", "program": "with_global_subprograms", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

__attribute__((noinline)) int twice(int number)
{
	return number * 2;
}

__attribute__((noinline)) int bytes_of(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data;
}

SEC("xdp")
int with_global_subprograms(struct xdp_md *ctx)
{
	ran();
	if (twice(21) != 42)
		return XDP_DROP;
	return bytes_of(ctx) > 0 ? XDP_PASS : XDP_DROP;
}
