import type { Hook } from '@l3af/contracts';
import { jump, mov, movImm, op, type Instruction, type Line } from '../glue/assembler';
import { key, tagged } from './packet-key';

/** Numbers in network order, as they read when loaded on a little-endian machine. */
const etherType = { ip: 0x0008, ip6: 0xdd86, vlan: 0x0081, serviceVlan: 0xa888 } as const;
const moreThanFirstFragment = 0xff1f;
const protocolsWithPorts = [6, 17, 132];
/** Offsets in `struct __sk_buff`. */
const skb = { vlanPresent: 20, vlanTci: 24 } as const;

const load = (code: number, at: number, dst = 1): Instruction => ({
  code,
  dst,
  src: 4,
  off: key.packet + at,
});
const store = (code: number, at: number, src = 1): Instruction => ({ code, dst: 9, src, off: at });
const head = (code: number, at: number, dst: number): Instruction => ({
  code,
  dst,
  src: 9,
  off: key.packet + at,
});

/**
 * Fills the fields of the key at r9 from the packet's first bytes, which are there: an Ethernet header, up to two VLAN tags, IPv4 with its
 * options or IPv6, and ports. What follows an IPv6 extension header or is not a first fragment has no ports. Uses r1 to r5 and r8;
 * expects the context in r6.
 */
export function parsePacket(hook: Hook): Line[] {
  return [
    // From memory and not from a register: of the loop's many results the verifier would follow each.
    { code: op.load32, dst: 8, src: 9, off: key.captured },
    ...readTags,
    ...(hook === 'xdp' ? [] : readOffloadedTag),
    store(op.store16, key.etherType, 2),
    // r4 = where the network header is, counted from the packet's start (in r3)
    mov(4, 9),
    { code: op.add64, dst: 4, src: 3 },
    { code: op.jumpEqual, dst: 2, imm: etherType.ip, to: 'ipv4' },
    { code: op.jumpEqual, dst: 2, imm: etherType.ip6, to: 'ipv6' },
    jump('parsed'),
    ...readIpv4,
    ...readIpv6,
    ...readPorts,
    { label: 'parsed' },
  ];
}

const vlanOf = (register: number): Line[] => [
  { code: op.and32Imm, dst: register, imm: 0x0fff },
  { code: op.or64Imm, dst: register, imm: tagged },
  store(op.store16, key.vlan, register),
];

/** r2 = EtherType behind the tags, r3 = where what it tells of begins. */
const readTags: Line[] = [
  head(op.load16, 12, 2),
  movImm(3, 14),
  { code: op.jumpEqual, dst: 2, imm: etherType.vlan, to: 'tagged' },
  { code: op.jumpNotEqual, dst: 2, imm: etherType.serviceVlan, to: 'untagged' },
  { label: 'tagged' },
  head(op.load16, 14, 1),
  { code: op.bigEndian, dst: 1, imm: 16 },
  ...vlanOf(1),
  head(op.load16, 16, 2),
  movImm(3, 18),
  { code: op.jumpEqual, dst: 2, imm: etherType.vlan, to: 'twice tagged' },
  { code: op.jumpNotEqual, dst: 2, imm: etherType.serviceVlan, to: 'untagged' },
  { label: 'twice tagged' },
  head(op.load16, 20, 2),
  movImm(3, 22),
  { label: 'untagged' },
];

/** On a TC hook the kernel has taken the outermost tag out of the packet. */
const readOffloadedTag: Line[] = [
  { code: op.load32, dst: 1, src: 6, off: skb.vlanPresent },
  { code: op.jumpEqual, dst: 1, imm: 0, to: 'not offloaded' },
  { code: op.load32, dst: 1, src: 6, off: skb.vlanTci },
  ...vlanOf(1),
  { label: 'not offloaded' },
];

/** To `parsed` when fewer bytes are here than r3 and these. */
const need = (bytes: number): Line[] => [
  mov(1, 3),
  { code: op.add64Imm, dst: 1, imm: bytes },
  { code: op.jumpGreaterRegister, dst: 1, src: 8, to: 'parsed' },
];

const family = (value: number): Line => ({ code: op.storeImm8, dst: 9, off: key.family, imm: value });
const copyWords = (from: number, to: number, count: number): Line[] =>
  Array.from({ length: count }, (_, word) => [
    load(op.load32, from + word * 4),
    store(op.store32, to + word * 4),
  ]).flat();

/** Goes on to the ports with the protocol in r5 and r3 behind the header. */
const readIpv4: Line[] = [
  { label: 'ipv4' },
  ...need(20),
  family(4),
  ...copyWords(12, key.source, 1),
  ...copyWords(16, key.destination, 1),
  load(op.load8, 9, 5),
  store(op.store8, key.protocol, 5),
  load(op.load16, 6),
  { code: op.and32Imm, dst: 1, imm: moreThanFirstFragment },
  { code: op.jumpNotEqual, dst: 1, imm: 0, to: 'parsed' },
  load(op.load8, 0),
  { code: op.and64Imm, dst: 1, imm: 15 },
  { code: op.shl64Imm, dst: 1, imm: 2 },
  { code: op.jumpLess, dst: 1, imm: 20, to: 'parsed' },
  { code: op.add64, dst: 3, src: 1 },
  jump('ports'),
];

const readIpv6: Line[] = [
  { label: 'ipv6' },
  ...need(40),
  family(6),
  ...copyWords(8, key.source, 4),
  ...copyWords(24, key.destination, 4),
  load(op.load8, 6, 5),
  store(op.store8, key.protocol, 5),
  { code: op.add64Imm, dst: 3, imm: 40 },
];

const readPorts: Line[] = [
  { label: 'ports' },
  ...protocolsWithPorts.map((imm) => ({ code: op.jumpEqual, dst: 5, imm, to: 'has ports' })),
  jump('parsed'),
  { label: 'has ports' },
  ...need(4),
  mov(4, 9),
  { code: op.add64, dst: 4, src: 3 },
  load(op.load16, 0),
  store(op.store16, key.sourcePort),
  load(op.load16, 2),
  store(op.store16, key.destinationPort),
  { code: op.storeImm8, dst: 9, off: key.hasPorts, imm: 1 },
];
