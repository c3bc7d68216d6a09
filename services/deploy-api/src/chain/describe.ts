import { isDeepStrictEqual } from 'node:util';
import type { DesiredKf } from '@l3af/contracts';

/** What differs between two chains, in one line for the history: `added b@1.0.0; a 1.0.0 → 1.1.0; order a, b`. */
export function describeDifference(before: readonly DesiredKf[], after: readonly DesiredKf[]): string {
  if (after.length === 0) return 'emptied the chain';
  const kept = after.flatMap((kf) => {
    const old = before.find((other) => other.name === kf.name);
    return old ? [{ old, kf }] : [];
  });
  const added = after.filter((kf) => !before.some((old) => old.name === kf.name));
  const removed = before.filter((old) => !after.some((kf) => kf.name === old.name));
  const parts = [
    ...added.map((kf) => `added ${labelOf(kf)}`),
    ...removed.map((kf) => `removed ${kf.name}`),
    ...kept.flatMap(({ old, kf }) => describeKf(old, kf)),
  ];
  const orderBefore = before.filter((old) => kept.some(({ kf }) => kf.name === old.name));
  const moved = orderBefore.some((old, at) => old.name !== kept[at]?.kf.name);
  if (moved) parts.push(`order ${after.map((kf) => kf.name).join(', ')}`);
  return parts.length > 0 ? parts.join('; ') : `${after.length} KFs as before`;
}

function labelOf(kf: DesiredKf): string {
  const source = `${kf.package}@${kf.version}`;
  return kf.name === kf.package ? source : `${kf.name} (${source})`;
}

function describeKf(old: DesiredKf, kf: DesiredKf): string[] {
  const same = (field: keyof DesiredKf): boolean => isDeepStrictEqual(old[field], kf[field]);
  return [
    !same('digest') && `${kf.name} ${old.version} → ${kf.version}`,
    !same('program') && `${kf.name} runs ${kf.program}`,
    !same('enabled') && `${kf.enabled ? 'enabled' : 'disabled'} ${kf.name}`,
    !same('proceedOn') && `${kf.name} proceeds on ${kf.proceedOn.join(', ') || 'nothing'}`,
    !same('config') && `configured ${kf.name}`,
    !same('state') && `${kf.name} state ${kf.state}`,
    !same('migrate') && kf.migrate && `${kf.name} migrates ${Object.keys(kf.migrate).join(', ')}`,
  ].filter((part): part is string => typeof part === 'string');
}
