// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "CO-RE relocations: a field's offset, size and existence, a type's size", "hook": "xdp", "program": "with_relocations", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"
#include <bpf/bpf_core_read.h>

SEC("xdp")
int with_relocations(struct xdp_md *ctx)
{
	const struct task_struct *task = NULL;

	(void)ctx;
	ran();
	if (!bpf_core_field_exists(task->tgid) || bpf_core_field_size(task->tgid) != 4)
		return XDP_DROP;
	/* In our own declaration tgid is at 4: anything else came from the running kernel. */
	if (bpf_core_field_offset(struct task_struct, tgid) <= 4)
		return XDP_DROP;
	return bpf_core_type_size(struct task_struct) > 100 ? XDP_PASS : XDP_DROP;
}
