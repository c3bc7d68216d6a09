// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a tail call inside a subprogram, with an empty map; x86-64 from 5.10, arm64 from 6.0", "hook": "xdp", "program": "calls_from_subprogram", "expect": "PASS", "kernel": "5.10", "tailCalls": 1}
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} next_prog SEC(".maps");

static __attribute__((noinline)) int try_next(struct xdp_md *ctx)
{
	volatile int verdict = XDP_PASS;

	bpf_tail_call(ctx, &next_prog, 0);
	return verdict;
}

SEC("xdp")
int calls_from_subprogram(struct xdp_md *ctx)
{
	ran();
	return try_next(ctx);
}
