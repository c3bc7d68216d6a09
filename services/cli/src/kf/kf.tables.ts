import type { BuildView, PackageView } from '@l3af/contracts';
import type { Printer } from '../output/printer';
import { moment } from '../output/words';

/** A line per package. */
export function packagesTable(packages: PackageView[], print: Printer): string {
  const rows = packages.map(({ name, versions }) => {
    const newest = versions.find((version) => version.yanked === null) ?? versions[0];
    return [
      name,
      newest ? `${newest.version}${newest.yanked === null ? '' : ' (yanked)'}` : '-',
      String(versions.length),
      newest ? moment(newest.publishedAt) : '-',
      newest && newest.signers.length > 0 ? 'yes' : 'no',
      newest?.description ?? '',
    ];
  });
  return print.table(
    [
      { head: 'package' },
      { head: 'newest' },
      { head: 'versions', align: 'right' },
      { head: 'published' },
      { head: 'signed' },
      { head: 'description', flexible: true },
    ],
    rows,
  );
}

/** A line per build, as the API lists them. */
export function buildsTable(builds: BuildView[], print: Printer): string {
  const rows = builds.map((build) => [
    build.id,
    build.state,
    moment(build.requestedAt),
    build.requestedBy,
    build.state === 'succeeded'
      ? `${build.name ?? '?'}@${build.version ?? '?'}`
      : (build.error?.message ?? ''),
  ]);
  return print.table(
    [
      { head: 'build' },
      { head: 'state' },
      { head: 'requested' },
      { head: 'by' },
      { head: 'result', flexible: true },
    ],
    rows,
  );
}
