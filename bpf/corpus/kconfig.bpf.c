// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "the kernel's version, filled in by the loader", "hook": "xdp", "program": "with_kernel_version", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

extern int LINUX_KERNEL_VERSION __kconfig;

SEC("xdp")
int with_kernel_version(struct xdp_md *ctx)
{
	(void)ctx;
	ran();
	return LINUX_KERNEL_VERSION >= 0x050a00 ? XDP_PASS : XDP_DROP;
}
