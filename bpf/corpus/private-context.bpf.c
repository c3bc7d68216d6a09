// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "an entry function whose context type is a private struct", "hook": "xdp", "program": "with_private_context", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

struct my_packet {
	__u32 from;
	__u32 to;
};

SEC("xdp")
int with_private_context(struct my_packet *packet)
{
	ran();
	return packet->from < packet->to ? XDP_PASS : XDP_DROP;
}
