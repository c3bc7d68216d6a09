// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "an entry function with void *, on TC", "hook": "tc-ingress", "program": "with_void_skb", "expect": "OK", "kernel": "5.10"}
#include "corpus.h"

SEC("classifier")
int with_void_skb(void *ctx)
{
	const struct __sk_buff *skb = ctx;

	ran();
	return skb->len > 0 ? TC_ACT_OK : TC_ACT_SHOT;
}
