// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a KF whose own tail call succeeds: the program it calls ends the packet's way through the chain, with its verdict", "hook": "xdp", "program": "calls_own_program", "expect": "TX", "kernel": "5.10", "runs": 2, "tailCalls": 1, "endsChain": true}
#include "corpus.h"

int own_target(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} own_programs SEC(".maps") = {
	.values = { (void *)&own_target },
};

SEC("xdp")
int own_target(struct xdp_md *ctx)
{
	(void)ctx;
	ran();
	return XDP_TX;
}

SEC("xdp")
int calls_own_program(struct xdp_md *ctx)
{
	ran();
	bpf_tail_call(ctx, &own_programs, 0);
	return XDP_ABORTED;
}
