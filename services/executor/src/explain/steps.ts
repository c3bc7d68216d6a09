import { type DesiredKf, type Explanation, type Hook, verdictsOf } from '@l3af/contracts';

export type Step = Explanation['steps'][number];

/** At its end an XDP chain gives the last KF's verdict, a TC chain "next": others on the hook still run. */
export function endOfChain(hook: Hook, last: string | undefined): string {
  return hook === 'xdp' ? (last ?? 'PASS') : 'UNSPEC';
}

export const head = (kf: DesiredKf) => ({ kf: kf.name, package: kf.package, version: kf.version });

/** What a KF that is switched off does. */
export const passedBy = (kf: DesiredKf, length: number): Step => ({
  ...head(kf),
  proceeded: true,
  changes: [],
  lengthBefore: length,
  lengthAfter: length,
  notes: ['switched off'],
});

export function verdictName(hook: Hook, verdict: number): string {
  const found = Object.entries(verdictsOf(hook)).find(([, number]) => number === verdict);
  return found?.[0] ?? `OTHER(${verdict})`;
}
