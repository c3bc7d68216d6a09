// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a helper that TC programs may not call", "hook": "tc-ingress", "program": "calls_xdp_helper", "expect": {"refused": "verifier-refused"}, "kernel": "5.10", "log": "bpf_xdp_adjust_head"}
#include "corpus.h"

SEC("tc")
int calls_xdp_helper(struct __sk_buff *skb)
{
	ran();
	return bpf_xdp_adjust_head((struct xdp_md *)skb, 0) ? TC_ACT_SHOT : TC_ACT_OK;
}
