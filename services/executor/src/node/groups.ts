import { labelsSubject } from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';

/** The node group that every node belongs to. */
const everyNode = 'default';
/** The label that says which other groups a node belongs to: one, or several with spaces or commas between. */
const groupLabel = 'group';

/** The groups of a node with these labels; `default` is the first. */
export function groupsOf(labels: Record<string, string>): string[] {
  const named = (labels[groupLabel] ?? '').split(/[\s,]+/).filter((group) => group !== '');
  return [...new Set([everyNode, ...named])];
}

/** The groups that this node belongs to now: by its own labels, and those that the control plane gave it. */
export async function readGroups(
  bus: Pick<Bus, 'store'>,
  node: string,
  own: Record<string, string>,
): Promise<string[]> {
  const last = (await bus.store.last(labelsSubject(node)))?.events.at(-1);
  const given = last?.type === 'NodeLabelled' ? last.data.labels : {};
  return groupsOf({ ...own, ...given });
}
