// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "the section names for TC that libbpf knows: classifier and action", "hook": "tc-ingress", "program": "in_classifier", "expect": "OK", "kernel": "5.10"}
#include "corpus.h"

SEC("classifier")
int in_classifier(struct __sk_buff *skb)
{
	(void)skb;
	ran();
	return TC_ACT_OK;
}

SEC("classifier/egress")
int in_classifier_with_name(struct __sk_buff *skb)
{
	(void)skb;
	ran();
	return TC_ACT_PIPE;
}

SEC("action")
int in_action(struct __sk_buff *skb)
{
	(void)skb;
	ran();
	return TC_ACT_OK;
}
