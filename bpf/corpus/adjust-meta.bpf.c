// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "metadata in front of the packet, that the next KF and TC can read", "hook": "xdp", "program": "writes_metadata", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

SEC("xdp")
int writes_metadata(struct xdp_md *ctx)
{
	__u32 *metadata;

	ran();
	/* Not every driver has room for it: no reason to drop. */
	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*metadata)))
		return XDP_PASS;
	metadata = (void *)(long)ctx->data_meta;
	if ((void *)(metadata + 1) > (void *)(long)ctx->data)
		return XDP_ABORTED;
	*metadata = 42;
	return XDP_PASS;
}
