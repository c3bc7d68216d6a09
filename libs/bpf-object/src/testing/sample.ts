/** A KF that has something of everything: map kinds, constants, sections, helpers. */
export const sample = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>
enum action { ACTION_PASS, ACTION_DROP, ACTION_COUNT_ONLY = 7 };
struct prefix { __u32 length; __u8 addr[16]; };
struct limit { __u64 packets_per_second; __u32 burst; __u16 flag_a : 3, flag_b : 5; };
struct rule { __u8 protocol; __u8 pad; __be16 port; };
struct flow { __be32 saddr; __be32 daddr; union { __u32 spi; struct { __be16 sport; __be16 dport; }; }; };
const volatile enum action default_action = ACTION_PASS;
const volatile __u32 thresholds[3] = {1, 2, 3};
const volatile bool verbose;
const volatile char label[16] = "hello";
const __u32 folded[2] = {7, 8};
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __type(key, struct prefix); __type(value, __u32);
         __uint(max_entries, 1024); __uint(map_flags, BPF_F_NO_PREALLOC); } deny_sources SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, struct limit); __uint(max_entries, 1); } rate_limit SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct rule); __type(value, __u8); __uint(max_entries, 4);
         __uint(pinning, LIBBPF_PIN_BY_NAME); } rules SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __type(key, struct flow); __type(value, __u64); __uint(max_entries, 64); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64); __uint(max_entries, 64); } blocked_ips SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 256); } by_protocol SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 1); } next_prog SEC(".maps");
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 8); };
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __type(key, __u32); __uint(max_entries, 2); __array(values, struct inner); } outer SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
static __noinline int touch(void *ctx) {
  __u32 zero = 0; struct prefix p = {}; struct rule r = {}; struct flow f = {};
  bpf_map_lookup_elem(&deny_sources, &p); bpf_map_lookup_elem(&rules, &r); bpf_map_lookup_elem(&flows, &f);
  bpf_map_lookup_elem(&blocked_ips, &zero); bpf_map_lookup_elem(&by_protocol, &zero); bpf_map_lookup_elem(&outer, &zero);
  bpf_ringbuf_output(&ring, &zero, 4, 0); bpf_tail_call(ctx, &next_prog, 0);
  return bpf_map_lookup_elem(&rate_limit, &zero) != 0;
}
SEC("xdp") int filter(struct xdp_md *ctx) {
  if (verbose && label[0] && folded[ctx->rx_queue_index & 1]) return thresholds[ctx->rx_queue_index & 1];
  return touch(ctx) ? XDP_PASS : default_action;
}
SEC("xdp.frags") int filter_frags(struct xdp_md *ctx) { return XDP_PASS; }
SEC("tc") int classify(struct __sk_buff *skb) { return 0; }
SEC("tracepoint/sock/inet_sock_set_state") int watch(void *ctx) { return 0; }
SEC("own_name") int unknown(void *ctx) { return 0; }
char _license[] SEC("license") = "Dual BSD/GPL";
`;
