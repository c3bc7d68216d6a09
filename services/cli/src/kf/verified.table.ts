import type { PackageVersionView } from '@l3af/contracts';
import type { Printer } from '../output/printer';

/** What was said of a kernel, and whether by a key that is trusted. */
type Verified = PackageVersionView['verified'][number] & { isTrusted: boolean };

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

function rowsOf({
  kernel,
  architecture,
  loaded,
  error,
  programs = [],
  tests,
  isTrusted,
}: Verified): string[][] {
  const on = `${kernel} ${architecture}`;
  const counts = tests ? `${tests.passed}/${tests.passed + tests.failed}` : '-';
  if (programs.length === 0) return [[on, '-', '-', '-', '-', counts, verdict(loaded, error, isTrusted)]];
  return programs.map((program) => [
    on,
    program.name,
    program.hook ?? '-',
    program.instructions > 0 ? String(program.instructions) : '-',
    program.nanosecondsPerPacket === undefined ? '-' : String(Math.round(program.nanosecondsPerPacket)),
    counts,
    verdict(program.loaded, program.error, isTrusted),
  ]);
}

function verdict(loaded: boolean, error: { message: string } | null | undefined, isTrusted: boolean): string {
  const said = loaded ? 'loaded' : `refused: ${error?.message ?? 'no reason given'}`;
  return isTrusted ? said : `not trusted, says: ${said}`;
}
