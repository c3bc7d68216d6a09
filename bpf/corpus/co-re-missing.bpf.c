// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "a CO-RE relocation that this kernel cannot satisfy, on a path that is taken", "hook": "xdp", "program": "with_missing_field", "expect": {"refused": "verifier-refused"}, "kernel": "5.10"}
#include "corpus.h"
#include <bpf/bpf_core_read.h>

struct task_struct___corpus {
	int no_kernel_has_this_field;
} __attribute__((preserve_access_index));

SEC("xdp")
int with_missing_field(struct xdp_md *ctx)
{
	(void)ctx;
	ran();
	return bpf_core_field_offset(struct task_struct___corpus, no_kernel_has_this_field) ? XDP_PASS : XDP_DROP;
}
