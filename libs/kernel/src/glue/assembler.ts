/** One eBPF instruction. `to` names the label that a jump goes to; its offset is filled in by {@link assemble}. */
export interface Instruction {
  code: number;
  dst?: number;
  src?: number;
  off?: number;
  imm?: number;
  to?: string;
}
export type Line = Instruction | { label: string };

export const instructionBytes = 8;
/** Operation codes, as the kernel's instruction set document names them. */
export const op = {
  mov64: 0xbf,
  mov64Imm: 0xb7,
  mov32: 0xbc,
  mov32Imm: 0xb4,
  add64: 0x0f,
  add64Imm: 0x07,
  add32Imm: 0x04,
  and64Imm: 0x57,
  and32Imm: 0x54,
  or64: 0x4f,
  or64Imm: 0x47,
  sub64: 0x1f,
  shl64Imm: 0x67,
  /** To network order; the immediate is the number of bits. */
  bigEndian: 0xdc,
  loadImm64: 0x18,
  load64: 0x79,
  load32: 0x61,
  load16: 0x69,
  load8: 0x71,
  store64: 0x7b,
  store32: 0x63,
  store16: 0x6b,
  store8: 0x73,
  storeImm64: 0x7a,
  storeImm32: 0x62,
  storeImm8: 0x72,
  atomicAdd64: 0xdb,
  jump: 0x05,
  jumpEqual: 0x15,
  jumpNotEqual: 0x55,
  jumpNotEqualRegister: 0x5d,
  jumpLess: 0xa5,
  jumpLessEqual: 0xb5,
  jumpGreaterEqual: 0x35,
  jumpGreaterRegister: 0x2d,
  jumpSignedLessEqual: 0xd5,
  jumpLess32: 0xa6,
  jumpGreater32: 0x26,
  jumpEqual32: 0x16,
  jumpNotEqual32: 0x56,
  call: 0x85,
  exit: 0x95,
} as const;

/** Values of the source register that give an instruction another meaning. */
export const pseudo = { mapFd: 1, mapValue: 2, call: 1, function: 4 } as const;
export const helper = {
  mapLookup: 1,
  ktimeGetNs: 5,
  randomU32: 7,
  processorId: 8,
  tailCall: 12,
  skbLoadBytes: 26,
  /** The ring buffer's: Linux 5.8. */
  ringReserve: 131,
  ringSubmit: 132,
  /** Linux 5.18. */
  xdpBufferLength: 188,
} as const;

export const mov = (dst: number, src: number): Instruction => ({ code: op.mov64, dst, src });
export const movImm = (dst: number, imm: number): Instruction => ({ code: op.mov64Imm, dst, imm });
export const callHelper = (imm: number): Instruction => ({ code: op.call, imm });
export const exit: Instruction = { code: op.exit };
export const jump = (to: string): Instruction => ({ code: op.jump, to });

/** The two slots of a 64-bit load of a map's descriptor. */
export function loadMap(dst: number, fd: number): Instruction[] {
  return [{ code: op.loadImm64, dst, src: pseudo.mapFd, imm: fd }, { code: 0 }];
}

/** The address of a byte in the first value of an array map. Requires Linux >= 5.2. */
export function loadMapValue(dst: number, fd: number, offset: number): Instruction[] {
  return [
    { code: op.loadImm64, dst, src: pseudo.mapValue, imm: fd },
    { code: 0, imm: offset },
  ];
}

export interface SlotOfPrograms {
  /** Descriptor of a program array. */
  programs: number;
  /** Constant, so that the JIT makes a direct jump of the call. */
  slot: number;
}

/** Runs the program in a slot instead of this one; where the slot is empty, what follows runs. `loadContext` fills register 1. */
export const enterSlot = (loadContext: Instruction, { programs, slot }: SlotOfPrograms): Instruction[] => [
  loadContext,
  ...loadMap(2, programs),
  movImm(3, slot),
  callHelper(helper.tailCall),
];

export function encode(instruction: Instruction, into: Buffer, at: number): void {
  into.writeUInt8(instruction.code, at);
  into.writeUInt8((instruction.dst ?? 0) | ((instruction.src ?? 0) << 4), at + 1);
  into.writeInt16LE(instruction.off ?? 0, at + 2);
  into.writeInt32LE((instruction.imm ?? 0) | 0, at + 4);
}

/** Encodes instructions, resolving jumps to labels. */
export function assemble(lines: readonly Line[]): Buffer {
  const places = new Map<string, number>();
  const instructions: Instruction[] = [];
  for (const line of lines) {
    if ('label' in line) places.set(line.label, instructions.length);
    else instructions.push(line);
  }
  const buffer = Buffer.alloc(instructions.length * instructionBytes);
  instructions.forEach((instruction, index) => {
    if (instruction.to === undefined) return encode(instruction, buffer, index * instructionBytes);
    const target = places.get(instruction.to);
    if (target === undefined) throw new RangeError(`no label ${instruction.to}`);
    encode({ ...instruction, off: target - index - 1 }, buffer, index * instructionBytes);
  });
  return buffer;
}
