// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "xdp.frags: the flag must reach the kernel, and all KFs of a chain must agree on it", "hook": "xdp", "program": "with_frags", "expect": "PASS", "kernel": "5.18", "frags": true}
#include "corpus.h"

SEC("xdp.frags")
int with_frags(struct xdp_md *ctx)
{
	ran();
	return bpf_xdp_get_buff_len(ctx) > 0 ? XDP_PASS : XDP_DROP;
}
