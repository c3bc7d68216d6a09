// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a helper that XDP programs may not call", "hook": "xdp", "program": "calls_tc_helper", "expect": {"refused": "verifier-refused"}, "kernel": "5.10", "log": "bpf_skb_vlan_pop"}
#include "corpus.h"

SEC("xdp")
int calls_tc_helper(struct xdp_md *ctx)
{
	ran();
	return bpf_skb_vlan_pop((struct __sk_buff *)ctx) ? XDP_DROP : XDP_PASS;
}
