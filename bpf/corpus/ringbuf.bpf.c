// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a ring buffer: one record per packet", "hook": "xdp", "program": "with_ringbuf", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

struct event {
	__u64 at;
	__u32 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

SEC("xdp")
int with_ringbuf(struct xdp_md *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	ran();
	/* Full, since nobody reads: no reason to drop. */
	if (!event)
		return XDP_PASS;
	event->at = bpf_ktime_get_ns();
	event->bytes = ctx->data_end - ctx->data;
	bpf_ringbuf_submit(event, 0);
	return XDP_PASS;
}
