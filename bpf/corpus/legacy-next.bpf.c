// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a KF that chains by itself, as l3afd wants it, with its map empty: it falls through and the glue goes on", "hook": "xdp", "program": "legacy_ingress", "expect": "PASS", "kernel": "5.10", "tailCalls": 1}
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} xdp_legacy_next_prog SEC(".maps");

SEC("xdp_legacy")
int legacy_ingress(struct xdp_md *ctx)
{
	ran();
	bpf_tail_call(ctx, &xdp_legacy_next_prog, 0);
	return XDP_PASS;
}
