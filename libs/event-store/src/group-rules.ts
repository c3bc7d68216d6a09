import {
  groupsOf,
  labelsSubject,
  policyOf,
  policySubject,
  trustSubject,
  type PolicyChanged,
  type TrustChanged,
} from '@l3af/contracts';
import type { Bus } from './bus';

type Stream = Pick<Bus, 'store'>;

/** The groups that a node belongs to now: by its own labels, and those that the control plane gave it, which win. */
export async function readGroups(bus: Stream, node: string, own: Record<string, string>): Promise<string[]> {
  const last = (await bus.store.last(labelsSubject(node)))?.events.at(-1);
  const given = last?.type === 'NodeLabelled' ? last.data.labels : {};
  return groupsOf({ ...own, ...given });
}

/** Whom the groups are told to trust, as `combineTrust` takes it: of each that was told anything. */
export async function readGroupTrust(
  bus: Stream,
  groups: readonly string[],
): Promise<TrustChanged['data'][]> {
  const told: TrustChanged['data'][] = [];
  for (const group of groups) {
    const last = (await bus.store.last(trustSubject(group)))?.events.at(-1);
    if (last?.type === 'TrustChanged') told.push(last.data);
  }
  return told;
}

/** The policy that a node of these groups goes by; undefined: none of them has one. */
export async function readGroupPolicy(
  bus: Stream,
  groups: readonly string[],
): Promise<PolicyChanged['data'] | undefined> {
  const policies: PolicyChanged['data'][] = [];
  for (const group of groups) {
    const last = (await bus.store.last(policySubject(group)))?.events.at(-1);
    if (last?.type === 'PolicyChanged') policies.push(last.data);
  }
  return policyOf(policies);
}
