// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "all 512 bytes of stack: loads alone, but leaves no glue anything", "hook": "xdp", "program": "with_512_bytes", "expect": {"refused": "stack-limit"}, "kernel": "5.10", "alone": "PASS", "runs": 0}
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/* In assembly, since the compiler keeps some of the stack for itself. */
SEC("xdp")
int with_512_bytes(struct xdp_md *ctx)
{
	__u64 read;

	(void)ctx;
	asm volatile("*(u64 *)(r10 - 512) = %[number]\n"
		     "%[read] = *(u64 *)(r10 - 512)\n"
		     : [read] "=&r"(read)
		     : [number] "r"(42ULL));
	return read == 42 ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
