import type { BuildView, ObjectSchema, PackageVersionView, PackageView } from '@l3af/contracts';
import type { Printer } from '../output/printer';
import { bytes, moment, shortDigest } from '../output/words';
import { typeText } from './type-text';
import { verifiedTable } from './verified.table';

/** A line per package. */
export function packagesTable(packages: PackageView[], print: Printer): string {
  const rows = packages.map(({ name, versions }) => {
    const newest = versions.find((version) => version.yanked === null) ?? versions[0];
    return [
      name,
      newest?.version ?? '-',
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

/** A package's versions, then what is inside the one that was asked for. */
export function packageText(view: PackageView, chosen: PackageVersionView, print: Printer): string {
  const rows = view.versions.map((version) => [
    version.version,
    shortDigest(version.digest),
    moment(version.publishedAt),
    bytes(version.sizeBytes),
    version.architectures.join(' '),
    version.signers.length > 0 ? 'yes' : 'no',
    version.yanked === null ? '' : `yanked: ${version.yanked}`,
  ]);
  const versions = print.table(
    [
      { head: 'version' },
      { head: 'digest' },
      { head: 'published' },
      { head: 'size', align: 'right' },
      { head: 'architectures' },
      { head: 'signed' },
      { head: 'note', flexible: true },
    ],
    rows,
  );
  return [versions, versionText(chosen, print)].join('\n\n');
}

function versionText(version: PackageVersionView, print: Printer): string {
  const facts: [string, string | null][] = [
    ['description', version.description],
    ['license', version.license],
    ['digest', version.digest],
    ['source', version.sourceDigest],
    ['signed by', version.signers.map((signer) => signer.slice(0, 16)).join(', ') || 'nobody'],
    ['verified', version.verified.length === 0 ? 'on no kernel yet' : null],
  ];
  const known = facts.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
  const head = print.style.bold(`${version.name}@${version.version}`);
  const schema = version.schema ? schemaText(version.schema, print) : [];
  const verified = version.verified.length === 0 ? [] : [verifiedTable(version.verified, print)];
  return [`${head}\n${print.facts(known)}`, ...schema, ...verified].join('\n\n');
}

function schemaText(schema: ObjectSchema, print: Printer): string[] {
  const sections: string[] = [];
  if (schema.programs.length > 0) {
    const rows = schema.programs.map(({ name, type, section }) => [name, type ?? 'by hook', section]);
    sections.push(print.table([{ head: 'program' }, { head: 'type' }, { head: 'section' }], rows));
  }
  if (schema.maps.length > 0) {
    const rows = schema.maps.map((map) => [
      map.name,
      map.type,
      String(map.entriesMax),
      `${typeText(map.key, map.keyBytes)} → ${typeText(map.value, map.valueBytes)}`,
    ]);
    const columns = [{ head: 'map' }, { head: 'type' }, { head: 'entries', align: 'right' as const }];
    sections.push(print.table([...columns, { head: 'key → value', flexible: true }], rows));
  }
  if (schema.constants.length > 0) {
    const rows = schema.constants.map(({ name, type }) => [name, typeText(type)]);
    sections.push(print.table([{ head: 'constant' }, { head: 'type', flexible: true }], rows));
  }
  return sections;
}

/** A line per build, as the API lists them. */
export function buildsTable(builds: BuildView[], print: Printer): string {
  const rows = builds.map((build) => [
    build.id,
    build.state,
    moment(build.requestedAt),
    build.requestedBy,
    build.name === null ? (build.error?.message ?? '') : `${build.name}@${build.version ?? '?'}`,
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
