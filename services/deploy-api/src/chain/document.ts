import {
  cannot,
  chainDocumentSchema,
  chainKeyText,
  L3afError,
  type ChainDocument,
  type ChainKey,
  type ErrorCode,
} from '@l3af/contracts';
import { LineCounter, parseAllDocuments, type Document } from 'yaml';
import type { z } from 'zod';

/** A parsed text that still knows on which line each of its values stands. */
export interface ParsedText {
  value: unknown;
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

/**
 * Reads one YAML or JSON document. Integers beyond 2^53 become decimal strings, so that none is rounded.
 * Throws `code` naming the line of what cannot be read.
 */
export function parseText(text: string, code: ErrorCode): ParsedText {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, intAsBigInt: true, merge: true });
  if (!Array.isArray(documents) || documents.length === 0) {
    throw new L3afError(code, 'Cannot read the document: it is empty');
  }
  const [document] = documents as Document.Parsed[];
  if (documents.length > 1 || !document) {
    throw new L3afError(
      code,
      `Cannot read the document: it is ${documents.length} documents, needs one per request`,
    );
  }
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    const message = error.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
    throw new L3afError(code, `Cannot read the document: line ${line}, column ${col}: ${message}`, {
      details: { line, column: col },
    });
  }
  return {
    value: plain(valueOf(document, code)),
    lineOf: (path) => lineOf(document, lines, path),
  };
}

function valueOf(document: Document, code: ErrorCode): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new L3afError(code, `Cannot read the document: ${(cause as Error).message}`, { cause });
  }
}

/** Checks a parsed text; the error names path and line of every field that is wrong. */
export function validate<T extends z.ZodType>(parsed: ParsedText, schema: T, code: ErrorCode): z.output<T> {
  const result = schema.safeParse(parsed.value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => ({
    path: issue.path.map(String).join('.'),
    line: parsed.lineOf(issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path),
    message: issue.message,
  }));
  const text = problems
    .map(({ path, line, message }) => `${path || 'document'}${line ? ` (line ${line})` : ''}: ${message}`)
    .join('; ');
  throw new L3afError(code, `Cannot accept the document: ${text}`, { details: { problems } });
}

/** Reads a chain document that was sent for one chain: it must be of that chain. */
export function parseChainDocument(text: string, key: ChainKey): ChainDocument {
  const parsed = parseText(text, 'invalid-document');
  const document = validate(parsed, chainDocumentSchema, 'invalid-document');
  const wrong = (['node', 'interface', 'hook'] as const).find((field) => document[field] !== key[field]);
  if (wrong === undefined) return document;
  const state = `line ${parsed.lineOf([wrong]) ?? 1} says ${wrong} ${document[wrong]}, the path ${key[wrong]}`;
  throw new L3afError('invalid-document', cannot('apply', 'chain', chainKeyText(key), state), {
    details: { path: wrong },
  });
}

function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  // The innermost part of the path that is there: of a missing field, the line of what it is missing from.
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    const range = (node as { range?: [number, number, number] } | undefined)?.range;
    if (range) return lines.linePos(range[0]).line;
  }
  return undefined;
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
}
