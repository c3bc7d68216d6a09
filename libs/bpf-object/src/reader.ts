import { L3afError, cannot } from '@l3af/contracts';

/** An object that cannot be read: always `invalid-object`, always with the section and the byte. */
export function invalidObject(section: string, offset: number, state: string): L3afError {
  return new L3afError(
    'invalid-object',
    cannot('read', 'object section', section, `${state} (byte ${offset})`),
    {
      details: { section, offset },
    },
  );
}

const decoder = new TextDecoder('utf-8');

/** Reads numbers and text from a slice of an object; whatever lies outside the slice is an `invalid-object`. */
export class SliceReader {
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    readonly options: { section: string; littleEndian: boolean },
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get size(): number {
    return this.bytes.byteLength;
  }

  fail(offset: number, state: string): L3afError {
    return invalidObject(this.options.section, offset, state);
  }

  #check(offset: number, size: number): void {
    if (offset < 0 || size < 0 || offset + size > this.size) {
      throw this.fail(offset, `ends at byte ${this.size}, needs ${offset + size}`);
    }
  }

  u8(offset: number): number {
    this.#check(offset, 1);
    return this.#view.getUint8(offset);
  }

  u16(offset: number): number {
    this.#check(offset, 2);
    return this.#view.getUint16(offset, this.options.littleEndian);
  }

  u32(offset: number): number {
    this.#check(offset, 4);
    return this.#view.getUint32(offset, this.options.littleEndian);
  }

  i32(offset: number): number {
    this.#check(offset, 4);
    return this.#view.getInt32(offset, this.options.littleEndian);
  }

  /** A 64-bit offset or size; what does not fit a safe integer cannot be inside any object. */
  u64(offset: number): number {
    this.#check(offset, 8);
    const value = this.#view.getBigUint64(offset, this.options.littleEndian);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.fail(offset, `has the impossible size ${value}`);
    return Number(value);
  }

  slice(offset: number, size: number): Uint8Array {
    this.#check(offset, size);
    return this.bytes.subarray(offset, offset + size);
  }

  /** The NUL-terminated text at an offset. */
  text(offset: number): string {
    if (offset >= this.size) throw this.fail(offset, `ends at byte ${this.size}, needs text`);
    const end = this.bytes.indexOf(0, offset);
    if (end < 0) throw this.fail(offset, 'has text without an end');
    return decoder.decode(this.bytes.subarray(offset, end));
  }
}
