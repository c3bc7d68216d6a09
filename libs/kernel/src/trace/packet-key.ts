/**
 * What the gate learns of a packet, in one per-CPU map value: which packet it is, the fields that expressions name, and the packet's first
 * bytes. Offsets and sizes in bytes; addresses and ports are in network order, the VLAN and the length in the host's.
 */
export const key = {
  /** 64 bits; 0: no packet of this CPU is being traced. */
  id: 0,
  /** The context of the traced packet: on this CPU another packet may run through the chain in the middle of it. */
  context: 8,
  etherType: 16,
  /** The outermost VLAN's number with {@link tagged} set; 0: not tagged. */
  vlan: 18,
  protocol: 20,
  /** 4, 6, or 0 for what is no IP. */
  family: 21,
  /** 1 when the packet has ports, and has them in reach. */
  hasPorts: 22,
  sourcePort: 24,
  destinationPort: 26,
  length: 28,
  source: 32,
  destination: 48,
  packet: 64,
  /** How much of the packet is here. */
  captured: 160,
  /** 64 bits that count the traced packets of this CPU; never reset. */
  count: 168,
  bytes: 176,
} as const;

/** Most that headers before the ports take: Ethernet, two VLAN tags, IPv4 with all its options, and the ports. */
export const headBytes = key.captured - key.packet;

/** Tells VLAN 0 from no VLAN. */
export const tagged = 0x1000;

/** One record in the ring buffer: what a packet was before the chain, or after one KF. */
export const record = {
  id: 0,
  /** Nanoseconds: the KF's run; in the first record the time of boot until now. */
  nanoseconds: 8,
  /** The KF's position, or {@link arrival}. */
  index: 16,
  verdict: 20,
  length: 24,
  captured: 28,
  packet: 32,
  packetBytes: 128,
  bytes: 160,
} as const;

/** The record before the first KF. */
export const arrival = 0xffff;

/** What the gate and user space share: how many more packets are wanted (signed), and how many records found no room. */
export const watchControl = { wanted: 0, lost: 8, bytes: 16 } as const;
