import { defaultProceedOn, type Hook, verdictsOf } from '@l3af/contracts';
import type { Subject } from './subject';

/** The kernel's name of a verdict, or its number. */
export function verdictName(verdict: number, hook: Hook): string {
  const known = Object.entries(verdictsOf(hook)).find(([, number]) => number === verdict);
  return known?.[0] ?? String(verdict);
}

/** Verdict numbers with which a packet goes on to the next KF when a chain says nothing else. */
export const proceedNumbers = (hook: Hook): number[] =>
  defaultProceedOn(hook).flatMap((name) => verdictsOf(hook)[name] ?? []);

/** `pass`: any verdict that goes on; `drop`: the hook's own drop; else exactly the named one. */
export function isExpected(
  expected: string,
  verdict: number,
  subject: Pick<Subject, 'form' | 'hook'>,
): boolean {
  const proceeds = proceedNumbers(subject.hook);
  const name = expected.toUpperCase();
  const isXdp = subject.hook === 'xdp';
  if (name === 'DROP')
    return verdict === (isXdp ? verdictsOf('xdp')['DROP'] : verdictsOf(subject.hook)['SHOT']);
  // At the end of a chain all proceeding verdicts are one: PASS, or "next" on TC.
  const exact = verdictsOf(subject.hook)[name];
  if (name === 'PASS' && !isXdp) return proceeds.includes(verdict);
  if (exact === undefined) return false;
  if (subject.form === 'chained' && proceeds.includes(exact)) return verdict === endOfChain(subject.hook);
  return verdict === exact;
}

/** What the kernel sees when every KF let the packet proceed. */
const endOfChain = (hook: Hook): number => (hook === 'xdp' ? 2 : -1);
