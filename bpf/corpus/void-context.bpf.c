// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "an entry function with void *", "hook": "xdp", "program": "with_void_context", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

SEC("xdp")
int with_void_context(void *ctx)
{
	const struct xdp_md *xdp = ctx;

	ran();
	return xdp->data < xdp->data_end ? XDP_PASS : XDP_DROP;
}
