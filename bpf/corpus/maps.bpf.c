// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// corpus: {"exercises": "hash, array, per-CPU hash and array, LRU, per-CPU LRU, LPM trie, queue and stack: each is written and read back", "hook": "xdp", "program": "with_maps", "expect": "PASS", "kernel": "5.10"}
#include "corpus.h"

#define MAP(name, kind, entries, flags)             \
	struct {                                    \
		__uint(type, kind);                 \
		__uint(max_entries, entries);       \
		__uint(map_flags, flags);           \
		__type(key, __u32);                 \
		__type(value, __u64);               \
	} name SEC(".maps")

MAP(a_hash, BPF_MAP_TYPE_HASH, 16, 0);
MAP(an_array, BPF_MAP_TYPE_ARRAY, 16, 0);
MAP(a_percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, 16, BPF_F_NO_PREALLOC);
MAP(a_percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, 16, 0);
MAP(an_lru_hash, BPF_MAP_TYPE_LRU_HASH, 64, 0);
MAP(an_lru_percpu_hash, BPF_MAP_TYPE_LRU_PERCPU_HASH, 64, 0);

struct prefix {
	__u32 prefix_length;
	__u8 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u64);
} a_trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__type(value, __u64);
} a_queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 4);
	__type(value, __u64);
} a_stack SEC(".maps");

static __always_inline bool keeps(void *map)
{
	__u32 key = 3;
	__u64 value = 42, *found;

	bpf_map_update_elem(map, &key, &value, BPF_ANY);
	found = bpf_map_lookup_elem(map, &key);
	return found && *found == 42;
}

static __always_inline bool pops(void *map)
{
	__u64 value = 42, popped = 0;

	bpf_map_push_elem(map, &value, BPF_EXIST);
	return bpf_map_pop_elem(map, &popped) == 0 && popped == 42;
}

static __always_inline bool trie_keeps(void)
{
	struct prefix network = { 24, { 192, 0, 2, 0 } }, host = { 32, { 192, 0, 2, 9 } };
	__u64 value = 42, *found;

	bpf_map_update_elem(&a_trie, &network, &value, BPF_ANY);
	found = bpf_map_lookup_elem(&a_trie, &host);
	return found && *found == 42;
}

SEC("xdp")
int with_maps(struct xdp_md *ctx)
{
	(void)ctx;
	ran();
	if (!keeps(&a_hash) || !keeps(&an_array) || !keeps(&a_percpu_hash) || !keeps(&a_percpu_array))
		return XDP_DROP;
	if (!keeps(&an_lru_hash) || !keeps(&an_lru_percpu_hash) || !trie_keeps())
		return XDP_DROP;
	return pops(&a_queue) && pops(&a_stack) ? XDP_PASS : XDP_DROP;
}
