/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shared by the corpus. `runs` counts how often the object's code ran, so that a test can see that a KF ran exactly
 * once for a packet: neither skipped nor called twice.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

static __always_inline void ran(void)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&runs, &zero);

	if (count)
		__sync_fetch_and_add(count, 1);
}

char _license[] SEC("license") = "Dual BSD/GPL";

#endif
