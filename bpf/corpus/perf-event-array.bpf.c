// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a perf event array, with and without the packet behind the record", "hook": "xdp", "program": "with_perf_events", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

SEC("xdp")
int with_perf_events(struct xdp_md *ctx)
{
	__u64 bytes = ctx->data_end - ctx->data;

	ran();
	/* Fails while nobody listens: no reason to drop. */
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU | bytes << 32, &bytes, sizeof(bytes));
	return XDP_PASS;
}
