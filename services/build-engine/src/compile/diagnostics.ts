import type { Diagnostic } from '@l3af/contracts';

const line =
  /^(?<file>[^:\n]+):(?<line>\d+):(?:(?<column>\d+):)? (?<severity>fatal error|error|warning|note)(?:\[\w+\])?: (?<message>.*)$/;
/** Go has errors only, and does not say so. */
const goLine = /^(?<file>\S+\.go):(?<line>\d+):(?:(?<column>\d+):)? (?<message>.*)$/;
const without = /^(?:clang(?:-\d+)?: |LLVM )?(?<severity>fatal error|error|ERROR): (?<message>.*)$/;
const severities: Record<string, Diagnostic['severity']> = { warning: 'warning', note: 'note' };

/** A hundred of them must fit an event. */
const textMax = 200;

/** Diagnostics that an event carries at most. */
export const diagnosticsMax = 100;

/** Reads the messages of clang, Go and Rust (in its short form); files are named relative to the source, as its author knows them. */
export function parseDiagnostics(log: string, sourceFolder: string): Diagnostic[] {
  const found = log.split('\n').flatMap((text) => parseLine(text, sourceFolder));
  // Errors first: a flood of warnings must not push them out.
  const errors = found.filter(({ severity }) => severity === 'error');
  const others = found.filter(({ severity }) => severity !== 'error');
  return [...errors, ...others].slice(0, diagnosticsMax);
}

function parseLine(text: string, sourceFolder: string): Diagnostic[] {
  const groups = [line, goLine, without].map((form) => form.exec(text)?.groups).find((found) => found);
  if (!groups) return [];
  const { file = '', line: at = '0', column, severity = '', message = '' } = groups;
  const name = file.startsWith(`${sourceFolder}/`)
    ? file.slice(sourceFolder.length + 1)
    : file.replace(/^\.\//, '');
  const place = {
    file: name.slice(0, textMax),
    line: Number(at),
    ...(column !== undefined && { column: Number(column) }),
  };
  return [{ severity: severities[severity] ?? 'error', ...place, message: message.slice(0, textMax) }];
}

/** `kf.bpf.c:3:10: unknown type name "u32x"`. */
export function describeDiagnostic({ file, line: at, column, message }: Diagnostic): string {
  if (file === '') return message;
  return `${file}:${at}${column === undefined ? '' : `:${column}`}: ${message}`;
}
