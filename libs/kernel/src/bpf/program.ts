import { KernelCallError } from '../sys/errors';
import { structure, type Field } from '../sys/attributes';
import { bpfCall } from '../sys/libc';
import { nameField, objectInfo } from './info';

const command = { programLoad: 5, programTestRun: 10 };

export const programType = {
  schedCls: 3,
  tracepoint: 5,
  xdp: 6,
  rawTracepoint: 17,
  kprobe: 2,
  extension: 28,
} as const;
export const attachType = { xdp: 37, perfEvent: 41, tcxIngress: 46, tcxEgress: 47 } as const;
export const programFlags = { xdpHasFrags: 32 } as const;

export interface ProgramInfo {
  type: number;
  id: number;
  name: string;
  tag: string;
  mapIds: number[];
  runTimeNs: bigint;
  runCount: bigint;
  /** Instructions that the verifier went through. Requires Linux >= 5.16; 0 before. */
  verifiedInstructions: number;
  jited: boolean;
}

/** What the kernel says of a loaded program. */
export function programInfo(fd: number): ProgramInfo {
  const first = objectInfo(fd, Buffer.alloc(224));
  const count = first.readUInt32LE(52);
  const ids = Buffer.alloc(Math.max(count, 1) * 4);
  const info = objectInfo(
    fd,
    structure(224, [
      { at: 52, u32: count },
      { at: 56, pointer: count > 0 ? ids : null },
    ]),
  );
  return {
    type: info.readUInt32LE(0),
    id: info.readUInt32LE(4),
    tag: info.toString('hex', 8, 16),
    name: nameField(info, 64),
    mapIds: Array.from({ length: count }, (_, index) => ids.readUInt32LE(index * 4)),
    runTimeNs: info.readBigUInt64LE(192),
    runCount: info.readBigUInt64LE(200),
    verifiedInstructions: info.readUInt32LE(216),
    jited: first.readUInt32LE(16) > 0,
  };
}

export function programId(fd: number): number {
  return objectInfo(fd, Buffer.alloc(224)).readUInt32LE(4);
}

export interface RawProgram {
  type: number;
  name: string;
  instructions: Buffer;
  attachType: number;
  flags?: number;
  /** For an extension: its BTF, the type of its function there, and the function of another program that it may stand in for. */
  extends?: { btfFd: number; functionTypeId: number; programFd: number; functionId: number } | undefined;
}

/** What of `union bpf_attr` describes an extension; `record` is its one function record, kept by the caller. */
function extensionFields(program: RawProgram, record: Buffer): Field[] {
  if (program.extends === undefined) return [];
  const { btfFd, functionTypeId, programFd, functionId } = program.extends;
  record.writeUInt32LE(functionTypeId, 4);
  return [
    { at: 72, u32: btfFd },
    { at: 76, u32: record.length },
    { at: 80, pointer: record },
    { at: 88, u32: 1 },
    { at: 108, u32: functionId },
    { at: 112, u32: programFd },
  ];
}

/** Loads generated instructions without libbpf: pass programs, extensions and probes. The caller closes the descriptor. */
export function loadInstructions(program: RawProgram): number {
  const license = Buffer.from('Dual BSD/GPL\0');
  const record = Buffer.alloc(8);
  const attempt = (log: Buffer | null): number =>
    bpfCall(
      'BPF_PROG_LOAD',
      command.programLoad,
      structure(120, [
        { at: 0, u32: program.type },
        { at: 4, u32: program.instructions.length / 8 },
        { at: 8, pointer: program.instructions },
        { at: 16, pointer: license },
        { at: 24, u32: log === null ? 0 : 1 },
        { at: 28, u32: log?.length ?? 0 },
        { at: 32, pointer: log },
        { at: 44, u32: program.flags ?? 0 },
        { at: 48, bytes: Buffer.from(program.name.slice(0, 15)) },
        { at: 68, u32: program.attachType },
        ...extensionFields(program, record),
      ]),
      program.name,
    );
  try {
    return attempt(null);
  } catch (error) {
    const log = Buffer.alloc(64 * 1024);
    try {
      return attempt(log);
    } catch (again) {
      if (!(again instanceof KernelCallError)) throw error;
      const text = log.toString('utf8', 0, Math.max(log.indexOf(0), 0)).trim();
      throw new KernelCallError(again.call, again.errno, again.subject, text || undefined);
    }
  }
}

export interface TestRunOptions {
  /** The packet, from its Ethernet header on; at least 14 bytes. */
  dataIn: Uint8Array;
  repeat?: number | undefined;
  /** `struct xdp_md` or `struct __sk_buff` to start with. */
  ctx?: Uint8Array | undefined;
  /** Room for the packet as the program leaves it; default: 512 bytes more than went in. */
  dataOutBytesMax?: number | undefined;
}

export interface TestRunResult {
  verdict: number;
  dataOut: Buffer;
  ctxOut?: Buffer | undefined;
  /** Mean time of one run, in nanoseconds. */
  durationNs: number;
}

/**
 * Runs a loaded program on a packet in memory (BPF_PROG_TEST_RUN); nothing is sent.
 * `fd` is a program's descriptor. The verdict is signed, so that TC_ACT_UNSPEC reads -1.
 */
export function testRunFd(fd: number, options: TestRunOptions): TestRunResult {
  const dataIn = Buffer.from(options.dataIn);
  const dataOut = Buffer.alloc(options.dataOutBytesMax ?? dataIn.length + 512);
  const ctxIn = options.ctx === undefined ? null : Buffer.from(options.ctx);
  const ctxOut = ctxIn === null ? null : Buffer.alloc(ctxIn.length);
  const attributes = structure(80, [
    { at: 0, u32: fd },
    { at: 8, u32: dataIn.length },
    { at: 12, u32: dataOut.length },
    { at: 16, pointer: dataIn },
    { at: 24, pointer: dataOut },
    { at: 32, u32: options.repeat ?? 1 },
    { at: 40, u32: ctxIn?.length ?? 0 },
    { at: 44, u32: ctxOut?.length ?? 0 },
    { at: 48, pointer: ctxIn },
    { at: 56, pointer: ctxOut },
  ]);
  bpfCall('BPF_PROG_TEST_RUN', command.programTestRun, attributes);
  return {
    verdict: attributes.readInt32LE(4),
    dataOut: dataOut.subarray(0, attributes.readUInt32LE(12)),
    ...(ctxOut !== null && { ctxOut: ctxOut.subarray(0, attributes.readUInt32LE(44)) }),
    durationNs: attributes.readUInt32LE(36),
  };
}
