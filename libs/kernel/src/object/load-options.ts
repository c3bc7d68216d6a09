import { pointTo } from '../sys/attributes';
import { readMemory, writeMemory } from '../sys/libc';
import type { CodeRecords } from '../glue/place';
import type { LoadOptions } from './libbpf';

/** Offsets in libbpf 1.1's `struct bpf_prog_load_opts`. */
const at = {
  attachType: 12,
  btfFd: 16,
  flags: 20,
  attachBtfId: 32,
  attachProgramFd: 36,
  functionInfo: { pointer: 56, count: 64, recordBytes: 68 },
  lineInfo: { pointer: 72, count: 80, recordBytes: 84 },
  bytes: 104,
} as const;

export type RecordKind = 'functionInfo' | 'lineInfo';

/**
 * A view of the options of a load that libbpf is about to make. Valid only inside the prepare callback; it must live until the load is over,
 * as the kernel reads what {@link setRecords} was given.
 */
export class PreparedLoad {
  readonly #bytes: Buffer;

  constructor(readonly options: LoadOptions) {
    this.#bytes = readMemory(options, at.bytes);
  }

  get btfFd(): number {
    return this.#bytes.readUInt32LE(at.btfFd);
  }
  set btfFd(fd: number) {
    this.#bytes.writeUInt32LE(fd, at.btfFd);
  }
  set attachType(type: number) {
    this.#bytes.writeUInt32LE(type, at.attachType);
  }
  /** For an extension: the function of another program that it may stand in for. */
  setTarget({ programFd, functionId }: { programFd: number; functionId: number }): void {
    this.#bytes.writeUInt32LE(functionId, at.attachBtfId);
    this.#bytes.writeUInt32LE(programFd, at.attachProgramFd);
  }
  addFlags(flags: number): void {
    this.#bytes.writeUInt32LE(this.#bytes.readUInt32LE(at.flags) | flags, at.flags);
  }

  records(kind: RecordKind): CodeRecords {
    const place = at[kind];
    const count = this.#bytes.readUInt32LE(place.count);
    const recordBytes = this.#bytes.readUInt32LE(place.recordBytes);
    const pointer = this.#bytes.readBigUInt64LE(place.pointer);
    return {
      count,
      recordBytes,
      bytes: pointer === 0n ? Buffer.alloc(0) : readMemory(pointer, count * recordBytes),
    };
  }

  setRecords(kind: RecordKind, records: CodeRecords): void {
    const place = at[kind];
    this.#bytes.writeUInt32LE(records.count, place.count);
    this.#bytes.writeUInt32LE(records.recordBytes, place.recordBytes);
    pointTo(this.#bytes, place.pointer, records.bytes);
  }

  /** Gives the changes to libbpf. */
  commit(): void {
    writeMemory(this.options, this.#bytes);
  }
}
