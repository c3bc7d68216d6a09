/** `enum bpf_map_type`, in order. */
const names = [
  'unspec',
  'hash',
  'array',
  'prog_array',
  'perf_event_array',
  'percpu_hash',
  'percpu_array',
  'stack_trace',
  'cgroup_array',
  'lru_hash',
  'lru_percpu_hash',
  'lpm_trie',
  'array_of_maps',
  'hash_of_maps',
  'devmap',
  'sockmap',
  'cpumap',
  'xskmap',
  'sockhash',
  'cgroup_storage',
  'reuseport_sockarray',
  'percpu_cgroup_storage',
  'queue',
  'stack',
  'sk_storage',
  'devmap_hash',
  'struct_ops',
  'ringbuf',
  'inode_storage',
  'task_storage',
  'bloom_filter',
  'user_ringbuf',
  'cgrp_storage',
  'arena',
] as const;

export function mapTypeName(type: number): string {
  return names[type] ?? `type_${type}`;
}

export function mapTypeNumber(name: string): number {
  const index = (names as readonly string[]).indexOf(name);
  if (index < 0) throw new RangeError(`unknown map type ${name}`);
  return index;
}

export const isKnownType = (name: string): boolean => (names as readonly string[]).includes(name);

const perCpu = new Set(['percpu_hash', 'percpu_array', 'lru_percpu_hash', 'percpu_cgroup_storage']);
export function isPerCpu(type: string): boolean {
  return perCpu.has(type);
}

const plain = new Set([
  'hash',
  'array',
  'percpu_hash',
  'percpu_array',
  'lru_hash',
  'lru_percpu_hash',
  'lpm_trie',
]);
/** Maps whose entries are plain bytes, so that they can be copied to another map. */
export function isPlainData(type: string): boolean {
  return plain.has(type);
}
