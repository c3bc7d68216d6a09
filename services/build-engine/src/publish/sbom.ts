import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackagePlan } from '../manifest/package-plan';
import type { FetchedSource } from '../source/fetch-source';

export interface SbomInput {
  plan: Pick<PackagePlan, 'name' | 'version' | 'manifest'>;
  sourceDigest: string;
  files: SourceFile[];
  /** Undefined for an object that came compiled: nobody knows by what. */
  compiler: string | undefined;
}

/** A file of a source by its path there. */
export interface SourceFile {
  path: string;
  read: () => Promise<Uint8Array>;
}

export const sourceFiles = ({ folder, entries }: FetchedSource): SourceFile[] =>
  entries
    .filter(({ kind }) => kind === 'file')
    .map(({ path }) => ({ path, read: () => readFile(join(folder, path)) }));

/** SPDX 2.3: the package, every file of its source, and the compiler. The same source gives the same document. */
export async function spdxDocument(input: SbomInput): Promise<Record<string, unknown>> {
  const { plan, compiler } = input;
  const files = await Promise.all(input.files.map(fileOf));
  const hex = input.sourceDigest.replace('sha256:', '');
  const sums = files.map(({ checksums }) => checksums[0]?.checksumValue ?? '').sort();
  const code = createHash('sha1').update(sums.join('')).digest('hex');
  const license = plan.manifest?.license ?? 'NOASSERTION';
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${plan.name}@${plan.version}`,
    documentNamespace: `urn:l3af:spdx:${plan.name}:${plan.version}:${hex}`,
    creationInfo: { created: '1970-01-01T00:00:00Z', creators: ['Tool: l3af-build-engine'] },
    packages: [
      packageOf('Package', {
        name: plan.name,
        version: plan.version,
        license,
        filesAnalyzed: files.length > 0,
        code,
      }),
      ...(compiler === undefined ? [] : [compilerOf(compiler)]),
    ],
    files,
    relationships: [
      {
        spdxElementId: 'SPDXRef-DOCUMENT',
        relationshipType: 'DESCRIBES',
        relatedSpdxElement: 'SPDXRef-Package',
      },
      ...(compiler === undefined ? [] : [builtBy]),
      ...files.map(({ SPDXID }) => ({
        spdxElementId: 'SPDXRef-Package',
        relationshipType: 'CONTAINS',
        relatedSpdxElement: SPDXID,
      })),
    ],
  };
}

const compilerOf = (version: string): Record<string, unknown> =>
  packageOf('Compiler', { name: 'clang', version, license: 'NOASSERTION', filesAnalyzed: false });

const builtBy = {
  spdxElementId: 'SPDXRef-Compiler',
  relationshipType: 'BUILD_TOOL_OF',
  relatedSpdxElement: 'SPDXRef-Package',
};

interface SpdxPackage {
  name: string;
  version: string;
  license: string;
  filesAnalyzed: boolean;
  /** SPDX's sum over the files. */
  code?: string;
}

function packageOf(
  id: string,
  { name, version, license, filesAnalyzed, code }: SpdxPackage,
): Record<string, unknown> {
  return {
    SPDXID: `SPDXRef-${id}`,
    name,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed,
    ...(code !== undefined &&
      filesAnalyzed && { packageVerificationCode: { packageVerificationCodeValue: code } }),
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: license,
    copyrightText: 'NOASSERTION',
  };
}

interface SpdxFile extends Record<string, unknown> {
  SPDXID: string;
  checksums: { algorithm: string; checksumValue: string }[];
}

async function fileOf({ path, read }: SourceFile, index: number): Promise<SpdxFile> {
  const content = Buffer.from(await read());
  const sum = (algorithm: string): string => createHash(algorithm).update(content).digest('hex');
  const text = /^.*SPDX-License-Identifier:\s*([^*\n]+?)\s*(\*\/)?$/m.exec(
    content.subarray(0, 4096).toString('utf8'),
  );
  return {
    SPDXID: `SPDXRef-File-${index + 1}`,
    fileName: `./${path}`,
    checksums: [
      { algorithm: 'SHA1', checksumValue: sum('sha1') },
      { algorithm: 'SHA256', checksumValue: sum('sha256') },
    ],
    licenseConcluded: 'NOASSERTION',
    licenseInfoInFiles: [text?.[1] ?? 'NOASSERTION'],
    copyrightText: 'NOASSERTION',
  };
}
