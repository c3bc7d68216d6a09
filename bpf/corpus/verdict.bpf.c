// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a verdict set by a constant; the same for TC; verdicts outside the known ones", "hook": "xdp", "program": "verdict_xdp", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

const volatile int verdict = XDP_PASS;

SEC("xdp")
int verdict_xdp(struct xdp_md *ctx)
{
	(void)ctx;
	ran();
	return verdict;
}

SEC("tc")
int verdict_tc(struct __sk_buff *skb)
{
	(void)skb;
	ran();
	return verdict;
}
