// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a section name that libbpf does not know: the hook decides the type", "hook": "xdp", "program": "ingress_filter", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

SEC("l3af_ingress_filter")
int ingress_filter(struct xdp_md *ctx)
{
	ran();
	return ctx->data < ctx->data_end ? XDP_PASS : XDP_DROP;
}
