// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "the same on TC", "hook": "tc-ingress", "program": "legacy_flow", "expect": "OK", "kernel": "5.10", "tailCalls": 1}
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ingress_jmp_table SEC(".maps");

SEC("ingress_flow")
int legacy_flow(struct __sk_buff *skb)
{
	ran();
	bpf_tail_call(skb, &ingress_jmp_table, 0);
	return TC_ACT_OK;
}
