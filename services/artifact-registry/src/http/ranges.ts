/** A range of bytes from `start` up to, not including, `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * What a `Range` header asks of content of `size` bytes. `full`: no range, several, or another unit, none of
 * which has to be honoured (RFC 9110, 14.2).
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'full' | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return 'full';
  if (first === '') return clip(Math.max(size - Number(last), 0), size, size);
  return clip(Number(first), last === '' ? size : Number(last) + 1, size);
}

function clip(start: number, end: number, size: number): ByteRange | 'unsatisfiable' {
  const range = { start, end: Math.min(end, size) };
  return range.start < range.end ? range : 'unsatisfiable';
}

/** The `Content-Range` of a chunk that is being uploaded: inclusive on both ends, without a unit. */
export function parseChunkRange(header: string | undefined): ByteRange | undefined | 'invalid' {
  if (header === undefined) return undefined;
  const match = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(header.trim());
  if (!match) return 'invalid';
  const range = { start: Number(match[1]), end: Number(match[2]) + 1 };
  return range.start < range.end ? range : 'invalid';
}
