// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": ".data, .bss, .rodata and a data section with a name of its own", "hook": "xdp", "program": "with_global_data", "expect": "PASS", "kernel": "5.10", "globals": {"counted": "one per packet in .bss"}}
#include "corpus.h"

const volatile __u32 limit = 1000000;
const volatile char label[16] = "corpus";
volatile __u32 start = 7;
volatile __u64 counted;
volatile __u32 in_own_section SEC(".data.corpus") = 3;

SEC("xdp")
int with_global_data(struct xdp_md *ctx)
{
	(void)ctx;
	ran();
	counted++;
	if (start != 7 || in_own_section != 3 || label[0] != 'c')
		return XDP_DROP;
	return counted < limit ? XDP_PASS : XDP_DROP;
}
