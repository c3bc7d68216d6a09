import { readFileSync } from 'node:fs';
import { L3afError, chainDocumentSchema, chainKeyText, configValueSchema } from '@l3af/contracts';
import type { ChainDocumentInput, ConfigValue } from '@l3af/contracts';
import { LineCounter, isNode, parseAllDocuments, type Document } from 'yaml';
import { z } from 'zod';
import type { Surroundings } from '../surroundings';

/** Reads a file, or stdin for `-`. */
export async function readInput(path: string, stdin: Surroundings['stdin']): Promise<string> {
  if (path === '-') {
    const chunks: Uint8Array[] = [];
    for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  }
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new L3afError('invalid-request', `Cannot read file "${path}": ${(cause as Error).message}`, {
      hint: 'Check the path',
    });
  }
}

/** Reads the chain documents of a file, all checked: the first mistake is thrown with its line and column. */
export function parseChainDocuments(text: string, file: string): ChainDocumentInput[] {
  const seen = new Set<string>();
  const documents = parseYaml(text, file).map((source) => {
    const value = toPlain(source.document);
    const parsed = chainDocumentSchema.safeParse(value);
    if (!parsed.success) throw wrong(source, parsed.error);
    const key = chainKeyText(parsed.data);
    if (seen.has(key)) throw refuse(source, ['hook'], `chain "${key}" is in the file twice`);
    seen.add(key);
    refuseTwins(source, parsed.data.kfs);
    return value as ChainDocumentInput;
  });
  if (documents.length > 0) return documents;
  throw new L3afError('invalid-document', `Cannot read file "${file}": it holds no document`);
}

/** Reads the value of one KF's `config`. */
export function parseConfig(text: string, file: string): Record<string, ConfigValue> {
  const [source, second] = parseYaml(text, file);
  if (!source) return {};
  if (second) throw refuse(second, [], 'a configuration is one document');
  const value = toPlain(source.document);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse(source, [], `this is ${kindOf(value)}, needs names of maps and constants with their values`);
  const parsed = z.record(z.string(), configValueSchema).safeParse(value);
  if (parsed.success) return parsed.data;
  const path = parsed.error.issues[0]?.path ?? [];
  throw refuse(
    source,
    path,
    `${path.join('.')}: needs a number, text, true, false, a list, or names with their values`,
  );
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

interface Source {
  document: Document.Parsed;
  lines: LineCounter;
  file: string;
}

function parseYaml(text: string, file: string): Source[] {
  const lines = new LineCounter();
  // Integers as bigint: as numbers they would lose digits beyond 2^53 without a word.
  const parsed = parseAllDocuments(text, { lineCounter: lines, intAsBigInt: true, prettyErrors: false });
  const documents = 'empty' in parsed ? [] : [...(parsed as Document.Parsed[])];
  for (const document of documents) {
    const error = document.errors[0];
    if (error) throw at({ document, lines, file }, error.pos[0], error.message);
  }
  const filled = documents.filter(({ contents }) => contents !== null && !isEmptyScalar(contents));
  return filled.map((document) => ({ document, lines, file }));
}

/** What stands between two `---` with nothing but comments. */
const isEmptyScalar = (contents: unknown): boolean =>
  isNode(contents) &&
  'value' in contents &&
  contents.value === null &&
  !('source' in contents && contents.source);

function toPlain(document: Document.Parsed): unknown {
  return withoutBigInts(document.toJS({ maxAliasCount: 1000 }));
}

function withoutBigInts(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutBigInts(member)]));
}

function refuseTwins(source: Source, kfs: z.infer<typeof chainDocumentSchema>['kfs']): void {
  // As the API names a KF that has no name: by the last part of its package's.
  const names = kfs.map((kf) => kf.name ?? kf.package.split('@')[0]!.split('/').pop()!);
  const twin = names.findIndex((name, index) => names.indexOf(name) < index);
  if (twin < 0) return;
  const error = refuse(source, ['kfs', twin], `two KFs are named "${names[twin]!}"`);
  throw new L3afError('duplicate-instance', error.message);
}

function wrong(source: Source, error: z.ZodError): L3afError {
  const issue = error.issues[0]!;
  const where = issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  return refuse(source, issue.path, `${where}${issue.message}`);
}

/** Points at the value, or at the nearest one around it that is written down. */
function refuse(source: Source, path: readonly PropertyKey[], message: string): L3afError {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? source.document.contents : source.document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return at(source, node.range[0], message);
  }
  return at(source, 0, message);
}

function at({ lines, file }: Source, offset: number, message: string): L3afError {
  const { line, col } = lines.linePos(offset);
  return new L3afError('invalid-document', `${file}:${line}:${col}: ${message}`);
}
