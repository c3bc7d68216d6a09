import { posix } from 'node:path';
import { cannot, L3afError, type Manifest, packageNameSchema, versionSchema } from '@l3af/contracts';
import type { TreeEntry } from '../source/tree';

/** What is built and what it will be called. */
export interface PackagePlan {
  name: string;
  version: string;
  /** The source file, relative to the source's root. */
  source: string;
  manifest: Manifest | undefined;
  cpu: string[];
  architectures: Architecture[];
  flags: string[];
}

export interface PlanInput {
  manifest: Manifest | undefined;
  entries: TreeEntry[];
  sourceDigest: string;
  /** What the request says; it wins over kf.yaml. */
  name: string | undefined;
  version: string | undefined;
}

const sourceEnding = '.bpf.c';
const defaultLevels = ['v2', 'v3'];
const defaultArchitectures: Architecture[] = ['amd64', 'arm64'];

export type Architecture = NonNullable<Manifest['architectures']>[number];

/** Decides what is compiled and published: kf.yaml where there is one, else everything from the file and its digest. */
export function planPackage(input: PlanInput): PackagePlan {
  const { manifest, entries, sourceDigest } = input;
  const source = findSource(manifest?.source, entries);
  const name = input.name ?? manifest?.name ?? nameOf(source, sourceEnding);
  const version = input.version ?? manifest?.version ?? versionOf(sourceDigest);
  checkName(name, version);
  return {
    name,
    version,
    source,
    manifest: manifest && { ...manifest, name, version },
    ...targetsOf(manifest),
  };
}

function targetsOf(manifest: Manifest | undefined): Pick<PackagePlan, 'cpu' | 'architectures' | 'flags'> {
  const { cpu = defaultLevels, architectures = defaultArchitectures, flags = [] } = manifest ?? {};
  return { cpu, architectures, flags };
}

/** A version for a source that names none: it sorts before every release, and says what it was built from. */
export const versionOf = (sourceDigest: string): string =>
  `0.0.0-${sourceDigest.replace(/^sha256:/, '').slice(0, 12)}`;

/** The package name that a file's name gives: `edge_Filter.bpf.c` is `edge_filter`. */
export function nameOf(path: string, ...endings: string[]): string {
  const file = posix.basename(path);
  const ending = endings.find((candidate) => file.endsWith(candidate)) ?? '';
  return file.slice(0, file.length - ending.length).toLowerCase();
}

export function checkName(name: string, version: string): void {
  const named = packageNameSchema.safeParse(name);
  const message = (result: { error?: { issues: { message: string }[] } }): string =>
    result.error?.issues[0]?.message ?? '';
  if (!named.success) {
    throw new L3afError('invalid-manifest', cannot('name', 'package', name, message(named)), {
      hint: 'Give the package a name in kf.yaml or in the request',
    });
  }
  const versioned = versionSchema.safeParse(version);
  if (!versioned.success)
    throw new L3afError('invalid-manifest', cannot('version', 'package', version, message(versioned)), {
      hint: 'Give the package another version in kf.yaml or in the request',
    });
}

function findSource(given: string | undefined, entries: TreeEntry[]): string {
  const sources = entries.map(({ path }) => path).filter((path) => path.endsWith(sourceEnding));
  const candidates = sources.filter((path) => !path.includes('/'));
  if (given !== undefined) {
    const path = posix.normalize(given);
    if (entries.some((entry) => entry.path === path)) return path;
    const state = `it is not in the source, which has ${candidates.join(', ') || `no *${sourceEnding}`}`;
    throw unclear(given, state, 'Correct `source` in kf.yaml; its path is relative to kf.yaml');
  }
  const [only, ...others] = candidates;
  if (only === undefined) throw noSource(sources);
  if (others.length === 0) return only;
  const state = `the source has ${candidates.join(', ')}, needs a kf.yaml that names one`;
  throw unclear(`*${sourceEnding}`, state, `Give kf.yaml a line such as \`source: ${only}\``);
}

function noSource(below: readonly string[]): L3afError {
  const [first] = below;
  const value = `*${sourceEnding}`;
  if (first === undefined)
    return unclear(
      value,
      'the source has none in its root, needs one, or a kf.yaml that names it',
      `Build a folder with a kf.yaml or a NAME${sourceEnding} in it, an archive or a git URL of one, or a compiled BPF object`,
    );
  return unclear(
    value,
    `the source has none in its root, but ${below.slice(0, 3).join(', ')}; needs one there, or a kf.yaml that names it`,
    `Name the folder (of an archive or repository: --folder ${posix.dirname(first)}), or give kf.yaml a line such as \`source: ${first}\``,
  );
}

const unclear = (value: string, state: string, hint: string): L3afError =>
  new L3afError('invalid-manifest', cannot('find', 'source file', value, state), { hint });
