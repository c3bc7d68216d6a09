// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "bpf_loop with a callback", "hook": "xdp", "program": "with_loop", "expect": "PASS", "kernel": "5.17"}
#include "corpus.h"

static long step(__u64 index, __u64 *sum)
{
	*sum += index;
	return 0;
}

SEC("xdp")
int with_loop(struct xdp_md *ctx)
{
	__u64 sum = 0;

	(void)ctx;
	ran();
	bpf_loop(100, step, &sum, 0);
	return sum == 4950 ? XDP_PASS : XDP_DROP;
}
