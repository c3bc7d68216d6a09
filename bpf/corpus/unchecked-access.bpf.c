// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "reads the packet without comparing with its end: the verifier refuses it", "hook": "xdp", "program": "reads_unchecked", "expect": {"refused": "verifier-refused"}, "kernel": "5.10", "log": "invalid access to packet"}
#include "corpus.h"

SEC("xdp")
int reads_unchecked(struct xdp_md *ctx)
{
	ran();
	return *(__u8 *)(long)ctx->data ? XDP_PASS : XDP_DROP;
}
