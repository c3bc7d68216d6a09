import type { PackageVersionView } from '@l3af/contracts';
import type { Printer } from '../output/printer';

type Verified = PackageVersionView['verified'][number];

/** How kernels took a version: a line per kernel and program, or per kernel where nothing is known of its programs. */
export function verifiedTable(verified: readonly Verified[], print: Printer): string {
  return print.table(
    [
      { head: 'kernel' },
      { head: 'program' },
      { head: 'hook' },
      { head: 'instructions', align: 'right' },
      { head: 'ns/packet', align: 'right' },
      { head: 'tests', align: 'right' },
      { head: 'verdict', flexible: true },
    ],
    verified.flatMap(rowsOf),
  );
}

function rowsOf({ kernel, architecture, loaded, error, programs = [], tests }: Verified): string[][] {
  const on = `${kernel} ${architecture}`;
  const counts = tests ? `${tests.passed}/${tests.passed + tests.failed}` : '-';
  if (programs.length === 0) return [[on, '-', '-', '-', '-', counts, verdict(loaded, error)]];
  return programs.map((program) => [
    on,
    program.name,
    program.hook ?? '-',
    program.instructions > 0 ? String(program.instructions) : '-',
    program.nanosecondsPerPacket === undefined ? '-' : String(Math.round(program.nanosecondsPerPacket)),
    counts,
    verdict(program.loaded, program.error),
  ]);
}

const verdict = (loaded: boolean, error: { message: string } | null | undefined): string =>
  loaded ? 'loaded' : `refused: ${error?.message ?? 'no reason given'}`;
