/** Netlink's wire format. Pure: bytes in, bytes out; host byte order, which is little endian everywhere we run. */

export const messageType = {
  error: 2,
  done: 3,
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newQdisc: 36,
  deleteQdisc: 37,
  getQdisc: 38,
  newFilter: 44,
  deleteFilter: 45,
  getFilter: 46,
} as const;

export const messageFlag = {
  request: 1,
  acknowledge: 4,
  echo: 8,
  exclusive: 0x200,
  dump: 0x300,
  create: 0x400,
} as const;

export const headBytes = 16;
const aligned = (bytes: number): number => (bytes + 3) & ~3;

export interface Message {
  type: number;
  flags: number;
  sequence: number;
  body: Buffer;
}

export function encodeMessage({ type, flags, sequence, body }: Message): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(headBytes + body.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags, 6);
  head.writeUInt32LE(sequence, 8);
  return Buffer.concat([head, body]);
}

/** The messages of one datagram; stops at anything malformed. */
export function* decodeMessages(data: Buffer): Generator<Message> {
  let at = 0;
  while (at + headBytes <= data.length) {
    const bytes = data.readUInt32LE(at);
    if (bytes < headBytes || at + bytes > data.length) return;
    yield {
      type: data.readUInt16LE(at + 4),
      flags: data.readUInt16LE(at + 6),
      sequence: data.readUInt32LE(at + 8),
      body: data.subarray(at + headBytes, at + bytes),
    };
    at += aligned(bytes);
  }
}

export function encodeAttribute(type: number, value: Uint8Array): Buffer {
  const buffer = Buffer.alloc(aligned(4 + value.length));
  buffer.writeUInt16LE(4 + value.length, 0);
  buffer.writeUInt16LE(type, 2);
  buffer.set(value, 4);
  return buffer;
}

export const textAttribute = (type: number, text: string): Buffer =>
  encodeAttribute(type, Buffer.from(`${text}\0`));

export function numberAttribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return encodeAttribute(type, bytes);
}

export const nestedAttribute = (type: number, ...inner: Buffer[]): Buffer => {
  const nested = 0x8000;
  return encodeAttribute(type | nested, Buffer.concat(inner));
};

/** Attributes by type; of several with the same type the last one. */
export function decodeAttributes(data: Buffer): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  const typeMask = 0x3fff;
  let at = 0;
  while (at + 4 <= data.length) {
    const bytes = data.readUInt16LE(at);
    if (bytes < 4 || at + bytes > data.length) break;
    attributes.set(data.readUInt16LE(at + 2) & typeMask, data.subarray(at + 4, at + bytes));
    at += aligned(bytes);
  }
  return attributes;
}

export function attributeText(value: Buffer | undefined): string {
  if (value === undefined) return '';
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end < 0 ? value.length : end);
}

export const attributeNumber = (value: Buffer | undefined): number | undefined =>
  value === undefined || value.length < 4 ? undefined : value.readUInt32LE(0);
