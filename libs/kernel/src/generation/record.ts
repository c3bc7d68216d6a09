import { cannot, L3afError } from '@l3af/contracts';
import { z } from 'zod';
import { createMap, KernelMap } from '../bpf/map';
import { openPin, pinObject } from '../bpf/pin';
import { once } from '../sys/once';

/** What the engine itself must know of a generation after a restart; the caller's metadata lies beside it. */
const recordSchema = z.object({
  hook: z.enum(['xdp', 'tc-ingress', 'tc-egress']),
  attach: z.enum(['xdp', 'dispatcher', 'tcx', 'cls_bpf']),
  frags: z.boolean(),
  passId: z.number(),
  /** Of a timed or watched generation: the program that the hook runs first. */
  samplerId: z.number().optional(),
  kfs: z.array(
    z.object({
      name: z.string(),
      digest: z.string(),
      program: z.string(),
      programId: z.number(),
      proceedOn: z.array(z.number()),
      glue: z.enum(['epilogue', 'calling']),
      maps: z.array(z.object({ name: z.string(), signature: z.string(), shared: z.boolean() })),
      /** Hash of the configuration entries that were written to each map. */
      writes: z.record(z.string(), z.string()),
      companions: z.array(z.object({ name: z.string(), section: z.string(), type: z.number() })),
    }),
  ),
});
export type GenerationRecord = z.infer<typeof recordSchema>;
export type KfRecord = GenerationRecord['kfs'][number];
export type AttachKind = GenerationRecord['attach'];

export const metadataBytesMax = 64 * 1024;
const [magic, layoutVersion, headBytes] = [0x4641_334c, 1, 16]; // "L3AF"
const only = Buffer.alloc(4);

function pack(record: GenerationRecord, metadata: string): Buffer {
  const own = Buffer.from(JSON.stringify(record));
  const theirs = Buffer.from(metadata);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(layoutVersion, 4);
  head.writeUInt32LE(own.length, 8);
  head.writeUInt32LE(theirs.length, 12);
  return Buffer.concat([head, own, theirs]);
}

function unpack(value: Buffer): { record: GenerationRecord; metadata: string } | undefined {
  if (value.length < headBytes) return undefined;
  if (value.readUInt32LE(0) !== magic || value.readUInt32LE(4) !== layoutVersion) return undefined;
  const [ownBytes, theirBytes] = [value.readUInt32LE(8), value.readUInt32LE(12)];
  if (packedBytes(value) > value.length) return undefined;
  const own = value.toString('utf8', headBytes, headBytes + ownBytes);
  const parsed = recordSchema.safeParse(JSON.parse(own));
  if (!parsed.success) return undefined;
  const start = headBytes + ownBytes;
  return { record: parsed.data, metadata: value.toString('utf8', start, start + theirBytes) };
}

function tooLong(bytes: number): L3afError {
  return new L3afError(
    'payload-too-large',
    cannot('keep', 'metadata', `${bytes} bytes`, `needs at most ${metadataBytesMax}`),
  );
}

/** Creates and pins the metadata map: the last pin of a generation, which makes it complete. */
export function pinRecord(path: string, record: GenerationRecord, metadata: string): void {
  const metadataBytes = Buffer.byteLength(metadata);
  if (metadataBytes > metadataBytesMax) throw tooLong(metadataBytes);
  const packed = pack(record, metadata);
  // Room to grow, since a live generation's metadata may be rewritten.
  const room = Math.min(
    packed.length + 8192 + metadataBytes,
    packed.length - metadataBytes + metadataBytesMax,
  );
  const valueBytes = Math.ceil(room / 8) * 8;
  using map = new KernelMap(
    createMap({ type: 'array', name: 'l3af_meta', keyBytes: 4, valueBytes, entriesMax: 1 }),
  );
  map.update(only, Buffer.concat([packed, Buffer.alloc(valueBytes - packed.length)]));
  pinObject(map.fd, path);
}

/** Reads a generation's record; undefined when it was never completed. */
export const readRecord = (path: string): ReturnType<typeof readNow> =>
  once(`record ${path}`, () => readNow(path));

function readNow(path: string): { record: GenerationRecord; metadata: string } | undefined {
  const fd = openPin(path);
  if (fd === undefined) return undefined;
  using map = new KernelMap(fd);
  const value = map.lookup(only);
  return value && unpackOnce(path, value);
}

/** What was read last, by path: an executor looks at the same records every few seconds. */
const known = new Map<string, { bytes: Buffer; found: ReturnType<typeof unpack> }>();
const knownMax = 256;

function unpackOnce(path: string, value: Buffer): ReturnType<typeof unpack> {
  const before = known.get(path);
  if (before?.bytes.equals(value.subarray(0, before.bytes.length))) return before.found;
  const found = unpack(value);
  if (known.size >= knownMax) known.clear();
  if (found) known.set(path, { bytes: Buffer.from(value.subarray(0, packedBytes(value))), found });
  return found;
}

const packedBytes = (value: Buffer): number => headBytes + value.readUInt32LE(8) + value.readUInt32LE(12);

/** Replaces the caller's metadata in place. */
export function rewriteMetadata(path: string, metadata: string): void {
  const fd = openPin(path);
  if (fd === undefined)
    throw new L3afError('unknown-chain', cannot('write', 'metadata', path, 'no such generation'));
  using map = new KernelMap(fd);
  const current = unpack(map.lookup(only) ?? Buffer.alloc(0));
  if (!current)
    throw new L3afError('kernel-error', cannot('write', 'metadata', path, 'its record is unreadable'));
  const packed = pack(current.record, metadata);
  if (packed.length > map.info.valueBytes) throw tooLong(Buffer.byteLength(metadata));
  map.update(only, Buffer.concat([packed, Buffer.alloc(map.info.valueBytes - packed.length)]));
}
