import koffi from 'koffi';
import { checkCode, checkPointer, libbpf, type RingBuffer } from '../object/libbpf';
import { readMemory } from '../sys/libc';

// FFI: libbpf calls back on this thread, inside `ringConsume` and never else; the memory is the ring's until it returns.
const eachProto = koffi.proto('int', ['void *', 'void *', 'uint64']);
let each: bigint | undefined;
let collected: Buffer[] = [];

function collect(_context: bigint | null, data: bigint, bytes: number | bigint): number {
  collected.push(readMemory(data, Number(bytes)));
  return 0;
}

/** Reads what programs put into a ring buffer map. Requires Linux >= 5.8. The map's descriptor stays the caller's. */
export class RingReader {
  private readonly ring: RingBuffer;
  private open = true;

  constructor(mapFd: number) {
    each ??= koffi.register(collect, koffi.pointer(eachProto));
    this.ring = checkPointer('ring_buffer__new', libbpf.ringNew(mapFd, each, null, null));
  }

  /** Everything that came since the last call, in the order of coming; nothing once it is closed. */
  read(): Buffer[] {
    if (!this.open) return [];
    collected = [];
    checkCode('ring_buffer__consume', libbpf.ringConsume(this.ring));
    return collected;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    libbpf.ringFree(this.ring);
  }
}
