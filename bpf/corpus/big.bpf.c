// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "thousands of instructions, and a long time in the verifier", "hook": "xdp", "program": "big_one", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

#define MIX(n) hash = (hash ^ (hash >> 7) ^ (n)) * 0x9e3779b97f4a7c15ULL;
#define MIX10(n) MIX(n) MIX(n + 1) MIX(n + 2) MIX(n + 3) MIX(n + 4) MIX(n + 5) MIX(n + 6) MIX(n + 7) MIX(n + 8) MIX(n + 9)
#define MIX100(n)                                                                                             \
	MIX10(n) MIX10(n + 10) MIX10(n + 20) MIX10(n + 30) MIX10(n + 40) MIX10(n + 50) MIX10(n + 60) MIX10(n + 70) \
		MIX10(n + 80) MIX10(n + 90)

SEC("xdp")
int big_one(struct xdp_md *ctx)
{
	const __u8 *data = (const __u8 *)(long)ctx->data;
	const __u8 *end = (const __u8 *)(long)ctx->data_end;
	__u64 hash = ctx->rx_queue_index;

	ran();
	MIX100(0)
	MIX100(100)
	MIX100(200)
	MIX100(300)
	MIX100(400)
	for (int i = 0; i < 200; i++) {
		if (data + i + 1 > end)
			break;
		if (data[i] & 1)
			hash += data[i];
	}
	return hash == 1 ? XDP_DROP : XDP_PASS;
}
