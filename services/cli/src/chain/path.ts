import type { ChainKey, Hook } from '@l3af/contracts';

/** The chain that a command's first three arguments name; commander has checked the hook. */
export function chainKeyOf(args: readonly string[]): ChainKey {
  return { node: args[0]!, interface: args[1]!, hook: args[2]! as Hook };
}

/** The path of a chain in the API, or of something below it. */
export function chainPath(key: ChainKey, ...below: string[]): string {
  const parts = ['v1', 'nodes', key.node, 'chains', key.interface, key.hook, ...below];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}
