import type { ChainAttach, ChainKey } from '@l3af/contracts';
import type { HookTarget } from '@l3af/kernel';
import type { Settings } from '../settings';

/** What libxdp gives to programs that ask for no priority. */
const usualPriority = 50;

/** The hook that a chain goes onto, with what its document says of sharing it. Pure. */
export function hookTarget(
  { instance, netns }: Pick<Settings, 'instance' | 'netns'>,
  key: ChainKey,
  { ifindex, attach }: { ifindex: number; attach: ChainAttach | undefined },
): HookTarget {
  const { position, expectedRevision, tc, dispatcher, priority = usualPriority } = attach ?? {};
  return {
    instance,
    node: key.node,
    interface: key.interface,
    hook: key.hook,
    ifindex,
    netns,
    position,
    expectedRevision,
    tc,
    ...(dispatcher === 'join' && { dispatcher: { priority } }),
  };
}

/** An interface that was renamed is let go under its old name before it is taken under the new one. Pure. */
export function releasedFirst(
  keys: readonly ChainKey[],
  interfaces: readonly { name: string }[],
): ChainKey[] {
  const there = new Set(interfaces.map(({ name }) => name));
  return keys.toSorted((a, b) => Number(there.has(a.interface)) - Number(there.has(b.interface)));
}
