// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a program for another kind of hook", "hook": "xdp", "program": "for_a_cgroup", "expect": {"refused": "wrong-program-type"}, "kernel": "5.10"}
#include "corpus.h"

SEC("cgroup_skb/ingress")
int for_a_cgroup(struct __sk_buff *skb)
{
	(void)skb;
	ran();
	return 1;
}
