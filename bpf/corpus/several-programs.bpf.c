// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "several programs of several types in one object: only the chosen one is glued and runs", "hook": "xdp", "program": "second", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

SEC("xdp")
int first(struct xdp_md *ctx)
{
	(void)ctx;
	ran();
	return XDP_DROP;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	(void)ctx;
	ran();
	return XDP_PASS;
}

SEC("xdp/devmap")
int behind_a_redirect(struct xdp_md *ctx)
{
	(void)ctx;
	ran();
	return XDP_DROP;
}

SEC("tc")
int for_tc(struct __sk_buff *skb)
{
	(void)skb;
	ran();
	return TC_ACT_OK;
}

SEC("tracepoint/sched/sched_switch")
int for_a_tracepoint(void *ctx)
{
	(void)ctx;
	return 0;
}
