// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a global subprogram that takes a pointer to the caller's stack", "hook": "xdp", "program": "with_pointer_argument", "expect": "PASS", "kernel": "5.12"}
#include "corpus.h"

__attribute__((noinline)) int store(__u32 *to)
{
	if (!to)
		return -1;
	*to = 42;
	return 0;
}

SEC("xdp")
int with_pointer_argument(struct xdp_md *ctx)
{
	__u32 number = 0;

	(void)ctx;
	ran();
	return store(&number) == 0 && number == 42 ? XDP_PASS : XDP_DROP;
}
