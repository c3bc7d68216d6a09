import type { ObjectSchema, PackageDetails, PackageUse, PackageView } from '@l3af/contracts';
import { cosignPredicate } from '@l3af/oci';
import type { Printer } from '../output/printer';
import { bytes, moment, shortDigest } from '../output/words';
import { needsText } from './needs.text';
import { typeText } from './type-text';
import { verifiedTable } from './verified.table';

/** A package's versions, then what is inside the one that was asked for. */
export function packageText(view: PackageView, details: PackageDetails, print: Printer): string {
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
  return [versions, versionText(details, print)].join('\n\n');
}

function versionText(details: PackageDetails, print: Printer): string {
  const { manifest, problem, usedBy } = details;
  const facts: [string, string | null][] = [
    ['description', details.description],
    ['license', details.license],
    ['digest', details.digest],
    ['source', details.sourceDigest],
    ['needs', details.needs && needsText(details.needs)],
    ['signed by', details.signers.map(signerText).join(', ') || 'nobody'],
    ['yanked', details.yanked],
    ['attached', attachedText(details)],
    ['runs in', usedBy.map(useText).join('\n') || 'no chain'],
  ];
  const known = facts.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
  const head = print.style.bold(`${details.name}@${details.version}`);
  const sections = [
    `${head}\n${print.facts(known)}`,
    ...(details.schema ? schemaText(details.schema, manifest, print) : []),
    ...verifiedText(details, print),
    ...(details.readme === null ? [] : [details.readme.trim()]),
    ...(problem ? [print.style.yellow(`the rest is in the registry: ${problem.message}`)] : []),
  ];
  return sections.join('\n\n');
}

/** What kinds of things are attached, signatures aside: those are told by who made them. */
function attachedText({ attachments }: PackageDetails): string | null {
  const titles = attachments.flatMap(({ title, artifactType }) => {
    const isSignature =
      title === cosignPredicate || (title === undefined && artifactType.includes('sigstore'));
    return isSignature ? [] : [title ?? artifactType];
  });
  return [...new Set(titles)].join('\n') || null;
}

function useText({ node, interface: name, hook, kf, enabled, revision, state }: PackageUse): string {
  const off = enabled ? '' : ', switched off';
  return `${node}/${name}/${hook}: ${kf}${off} (revision ${revision}, ${state ?? 'pending'})`;
}

/** What the attached statements say, trusted ones first; while they cannot be read, what the events claim, which proves nothing. */
function verifiedText({ statements, verified, problem }: PackageDetails, print: Printer): string[] {
  const stated = statements
    .map(({ error = null, signer, ...one }) => ({ ...one, error, isTrusted: signer !== null }))
    .sort((a, b) => Number(b.isTrusted) - Number(a.isTrusted) || byKernel(a.kernel, b.kernel));
  const claimed = problem ? verified.map((one) => ({ ...one, isTrusted: false })) : [];
  const all = [...stated, ...claimed];
  return all.length > 0 ? [verifiedTable(all, print)] : [];
}

const byKernel = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

type Described = PackageDetails['manifest'];

function schemaText(schema: ObjectSchema, manifest: Described, print: Printer): string[] {
  const sections: string[] = [];
  const withProse = (type: string, name: string): string => {
    const prose = manifest?.config?.[name]?.description ?? manifest?.metrics?.[name]?.description;
    return prose === undefined ? type : `${type}\n${prose}`;
  };
  if (schema.programs.length > 0) {
    const rows = schema.programs.map(({ name, type, section }) => [name, type ?? 'by hook', section]);
    sections.push(print.table([{ head: 'program' }, { head: 'type' }, { head: 'section' }], rows));
  }
  if (schema.maps.length > 0) {
    const rows = schema.maps.map((map) => [
      map.name,
      map.type,
      String(map.entriesMax),
      withProse(`${typeText(map.key, map.keyBytes)} → ${typeText(map.value, map.valueBytes)}`, map.name),
    ]);
    const columns = [{ head: 'map' }, { head: 'type' }, { head: 'entries', align: 'right' as const }];
    sections.push(print.table([...columns, { head: 'key → value', flexible: true }], rows));
  }
  if (schema.constants.length > 0) {
    const rows = schema.constants.map(({ name, type }) => [name, withProse(typeText(type), name)]);
    sections.push(print.table([{ head: 'constant' }, { head: 'type', flexible: true }], rows));
  }
  return sections;
}

/** The beginning of a key's id says which it is; an identity is said whole. */
const signerText = (signer: string): string => (/^[0-9a-f]{64}$/.test(signer) ? signer.slice(0, 16) : signer);
