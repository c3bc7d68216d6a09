import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { cannot, L3afError, type Manifest, manifestSchema } from '@l3af/contracts';
import { type PacketTest, packetTestsSchema } from './packet-tests';

/** The tests of files, and those that a manifest names. `invalid-request` says the file and what is wrong in it. */
export function readTests(files: readonly string[], manifest: string | undefined): PacketTest[] {
  const named = manifest === undefined ? [] : testsOf(manifest);
  return [...files, ...named].flatMap((file) => {
    const parsed = packetTestsSchema.safeParse(readYaml(file));
    if (parsed.success) return parsed.data.tests;
    const said = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw unreadable(file, said.slice(0, 5).join('; '));
  });
}

/** Where the object's own manifest is expected: beside it. */
export function manifestBeside(object: string): string | undefined {
  const path = join(dirname(resolve(object)), 'kf.yaml');
  return existsSync(path) ? path : undefined;
}

function testsOf(path: string): string[] {
  const parsed = manifestSchema.safeParse(readYaml(path));
  if (parsed.success) return filesOf(parsed.data, dirname(path));
  throw unreadable(path, parsed.error.issues.map(({ message }) => message).join('; '));
}

const filesOf = (manifest: Manifest, folder: string): string[] =>
  (manifest.tests ?? []).map((file) => join(folder, file));

function readYaml(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error instanceof Error ? error.message : String(error));
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [first] = document.errors;
  if (!first) return document.toJS({ maxAliasCount: 100 });
  throw unreadable(path, `line ${lines.linePos(first.pos[0]).line}: ${first.message.split('\n')[0] ?? ''}`);
}

const unreadable = (path: string, state: string): L3afError =>
  new L3afError('invalid-request', cannot('read', 'packet tests', path, state));
