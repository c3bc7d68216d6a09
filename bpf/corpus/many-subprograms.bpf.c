// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "30 subprograms, each calling the next only by choice: many function records to move", "hook": "xdp", "program": "with_many_subprograms", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

#define STEP(n)                                                           \
	static __attribute__((noinline)) int step_##n(struct xdp_md *ctx) \
	{                                                                 \
		return ctx->rx_queue_index + n;                           \
	}
#define STEPS(t) STEP(t##0) STEP(t##1) STEP(t##2) STEP(t##3) STEP(t##4) STEP(t##5) STEP(t##6) STEP(t##7) STEP(t##8) STEP(t##9)
#define CALL(n) sum += step_##n(ctx);
#define CALLS(t) CALL(t##0) CALL(t##1) CALL(t##2) CALL(t##3) CALL(t##4) CALL(t##5) CALL(t##6) CALL(t##7) CALL(t##8) CALL(t##9)

STEPS(1)
STEPS(2)
STEPS(3)

SEC("xdp")
int with_many_subprograms(struct xdp_md *ctx)
{
	__u64 sum = 0;

	ran();
	CALLS(1)
	CALLS(2)
	CALLS(3)
	return sum > 0 ? XDP_PASS : XDP_DROP;
}
