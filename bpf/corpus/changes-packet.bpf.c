// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "changes the packet: grows it in front and puts a VLAN tag in, so that the next KF sees another packet", "hook": "xdp", "program": "pushes_vlan", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"
#include <bpf/bpf_endian.h>

SEC("xdp")
int pushes_vlan(struct xdp_md *ctx)
{
	struct ethhdr ethernet, *header;
	struct vlan_hdr *vlan;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	ran();
	if (data + sizeof(ethernet) > end)
		return XDP_DROP;
	__builtin_memcpy(&ethernet, data, sizeof(ethernet));
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*vlan)))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + sizeof(ethernet) + sizeof(*vlan) > end)
		return XDP_ABORTED;
	header = data;
	__builtin_memcpy(header, &ethernet, sizeof(ethernet));
	header->h_proto = bpf_htons(ETH_P_8021Q);
	vlan = data + sizeof(ethernet);
	vlan->h_vlan_TCI = bpf_htons(42);
	vlan->h_vlan_encapsulated_proto = ethernet.h_proto;
	return XDP_PASS;
}
