// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "writes its constant over the first byte of the destination address: which chain did a packet see?", "hook": "xdp", "program": "stamp", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

const volatile __u8 mark = 2;

SEC("xdp")
int stamp(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;

	ran();
	if (data + 1 > (__u8 *)(long)ctx->data_end)
		return XDP_DROP;
	*data = mark;
	return XDP_PASS;
}
