import type { Explanation } from '@l3af/contracts';
import type { Printer } from '../output/printer';
import { count } from '../output/words';

type Step = Explanation['steps'][number];

/** What each KF did, as a table with its notes. */
export function stepsText(steps: readonly Step[], print: Printer): string[] {
  const rows = steps.map((step, index) => [
    String(index + 1),
    step.kf,
    `${step.package}@${step.version}`,
    step.verdict ?? '-',
    step.proceeded ? 'yes' : 'no',
    step.nanoseconds === undefined ? '-' : count(step.nanoseconds),
    changesText(step),
  ]);
  const table = print.table(
    [
      { head: '#', align: 'right' },
      { head: 'kf' },
      { head: 'package' },
      { head: 'verdict' },
      { head: 'goes on' },
      { head: 'ns', align: 'right' },
      { head: 'bytes changed', flexible: true },
    ],
    rows,
  );
  const notes = steps.flatMap(({ kf, notes: said }) => said.map((note) => `note: ${kf}: ${note}`));
  return [...(steps.length > 0 ? [table] : ['the chain is empty']), ...notes];
}

/** How the packet leaves the hook. */
export function endText(
  { verdict, leftAt }: Pick<Explanation, 'verdict' | 'leftAt'>,
  lengthBytes: number,
  print: Printer,
): string {
  const where = leftAt === undefined ? 'at the end of the chain' : `from ${leftAt}`;
  return `verdict: ${print.style.bold(verdict)} ${where}, ${lengthBytes} bytes leave the hook`;
}

const shownBytesMax = 16;

/** `@14 45→46; 60→64 bytes`: offsets count from the Ethernet header on. */
function changesText({ changes, lengthBefore, lengthAfter }: Step): string {
  const parts = changes.map(({ offset, before, after }) => `@${offset} ${hexText(before)}→${hexText(after)}`);
  if (lengthBefore !== lengthAfter) parts.push(`${lengthBefore}→${lengthAfter} bytes`);
  return parts.join('; ') || '-';
}

const hexText = (hex: string): string =>
  hex.length > shownBytesMax * 2 ? `${hex.slice(0, shownBytesMax * 2)}…` : hex;
