// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a section name that libbpf does not know, on TC", "hook": "tc-ingress", "program": "ingress_flow", "expect": "OK", "kernel": "5.10"}
#include "corpus.h"

SEC("ingress_flow_monitoring")
int ingress_flow(struct __sk_buff *skb)
{
	ran();
	return skb->len > 0 ? TC_ACT_OK : TC_ACT_SHOT;
}
