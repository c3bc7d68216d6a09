// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "changes the packet and its mark, on TC", "hook": "tc-ingress", "program": "tc_pushes_vlan", "expect": "OK", "kernel": "5.10"}
#include "corpus.h"
#include <bpf/bpf_endian.h>

SEC("tc")
int tc_pushes_vlan(struct __sk_buff *skb)
{
	ran();
	skb->mark = 42;
	return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 42) ? TC_ACT_SHOT : TC_ACT_OK;
}
