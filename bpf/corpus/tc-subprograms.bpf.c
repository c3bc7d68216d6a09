// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "static and global subprograms and global data, on TC", "hook": "tc-ingress", "program": "tc_with_subprograms", "expect": "OK", "kernel": "5.10"}
#include "corpus.h"

volatile __u64 bytes_seen;

static __attribute__((noinline)) void add(__u32 bytes)
{
	bytes_seen += bytes;
}

__attribute__((noinline)) int bytes_of(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("tc")
int tc_with_subprograms(struct __sk_buff *skb)
{
	ran();
	add(bytes_of(skb));
	return bytes_seen > 0 ? TC_ACT_OK : TC_ACT_SHOT;
}
