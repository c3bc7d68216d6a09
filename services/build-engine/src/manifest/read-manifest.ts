import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cannot, L3afError, type Manifest, manifestSchema } from '@l3af/contracts';
import { type Document, LineCounter, parseDocument } from 'yaml';
import type { TreeEntry } from '../source/tree';
import { checkManifest, type Finding } from './check-manifest';

const manifestName = 'kf.yaml';
const sizeBytesMax = 256 * 1024;

/** A place in kf.yaml and what is wrong there. */
export interface ManifestIssue {
  line: number;
  column: number;
  path: string;
  message: string;
}

export interface ReadManifest {
  manifest: Manifest;
  /** Where something stands. */
  lineOf: (path: Finding['path']) => number;
}

/** Reads `kf.yaml` of a source's root; undefined when there is none. `invalid-manifest` names the line. */
export async function readManifest(
  folder: string,
  entries: readonly TreeEntry[],
): Promise<ReadManifest | undefined> {
  const path = join(folder, manifestName);
  const info = await lstat(path).catch(() => undefined);
  if (!info) return undefined;
  if (!info.isFile() || info.size > sizeBytesMax) {
    throw invalid([
      { line: 1, column: 1, path: '', message: `must be a file of at most ${sizeBytesMax} bytes` },
    ]);
  }
  return parse(await readFile(path, 'utf8'), (manifest) => checkManifest(manifest, entries));
}

/** Parses a manifest; every issue with its line. */
export const parseManifest = (text: string): Manifest => parse(text, () => []).manifest;

function parse(text: string, check: (manifest: Manifest) => Finding[]): ReadManifest {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (document.errors.length > 0) {
    throw invalid(
      document.errors.map(({ pos, message }) => ({ ...at(pos[0]), path: '', message: firstLine(message) })),
    );
  }
  const parsed = manifestSchema.safeParse(toValue(document));
  if (parsed.success) {
    const place = (path: Finding['path']) => at(startOf(document, path));
    const found = check(parsed.data).map(({ path, message }) => ({
      ...{ ...place(path), path: path.join('.'), message },
    }));
    if (found.length > 0) throw invalid(found);
    return { manifest: parsed.data, lineOf: (path) => place(path).line };
  }
  throw invalid(
    parsed.error.issues.map((issue) => ({
      ...at(offsetOf(document, issue.path, issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined)),
      path: issue.path.join('.'),
      message: issue.message,
    })),
  );
}

const firstLine = (text: string): string => text.split('\n')[0] ?? text;

function toValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const message = error instanceof Error ? firstLine(error.message) : String(error);
    throw invalid([{ line: 1, column: 1, path: '', message }]);
  }
}

/** Where something that is there begins: its key, or the item of a list. */
function startOf(document: Document, path: Finding['path']): number {
  const last = path.at(-1);
  return typeof last === 'string'
    ? offsetOf(document, path.slice(0, -1), last)
    : offsetOf(document, path, undefined);
}

/** Where the deepest part of a path that is there begins; for a key that should not be there, the key. */
function offsetOf(document: Document, path: readonly PropertyKey[], key: string | undefined): number {
  const steps = path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (key !== undefined) {
    const holder = steps.length === 0 ? document.contents : document.getIn(steps, true);
    const pair = pairsOf(holder).find((candidate) => String(candidate.key?.value) === key);
    if (pair?.key?.range) return pair.key.range[0];
  }
  for (let length = steps.length; length > 0; length--) {
    const node = document.getIn(steps.slice(0, length), true) as
      { range?: [number, number, number] } | undefined;
    if (node?.range) return node.range[0];
  }
  return 0;
}

interface KeyNode {
  value: unknown;
  range?: [number, number, number];
}

function pairsOf(node: unknown): { key?: KeyNode }[] {
  if (typeof node !== 'object' || node === null || !('items' in node)) return [];
  return (node.items as { key?: KeyNode }[]).filter((item) => typeof item === 'object' && item !== null);
}

function invalid(issues: ManifestIssue[]): L3afError {
  const said = issues.map(
    ({ line, path, message }) => `line ${line}: ${path === '' ? '' : `${path}: `}${message}`,
  );
  return new L3afError('invalid-manifest', cannot('read', 'manifest', manifestName, said.join('; ')), {
    details: { issues },
  });
}
