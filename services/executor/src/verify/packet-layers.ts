import { z } from 'zod';

const number = (most: number) => z.number().int().min(0).max(most);
const byte = number(0xff);
const short = number(0xffff);
const long = number(0xffffffff);
const hex = z.string().regex(/^([0-9a-fA-F]{2}|\s)*$/, 'must be bytes in hex');

/** Fields left out are filled in: types, protocols, lengths and checksums follow from the layers around. */
const layerShapes = {
  ethernet: z.strictObject({
    source: z.string().default('02:00:00:00:00:01'),
    destination: z.string().default('02:00:00:00:00:02'),
    type: short.optional(),
  }),
  /** `tpid` stands in front of the tag, in the layer before. */
  vlan: z.strictObject({
    id: number(4095).default(1),
    priority: number(7).default(0),
    tpid: short.default(0x8100),
    type: short.optional(),
  }),
  ipv4: z.strictObject({
    source: z.string().default('192.0.2.1'),
    destination: z.string().default('192.0.2.2'),
    protocol: byte.optional(),
    ttl: byte.default(64),
    tos: byte.default(0),
    id: short.default(0),
    /** Offset in bytes, a multiple of 8. */
    fragment: z
      .strictObject({ offset: number(65528).multipleOf(8).default(0), more: z.boolean().default(false) })
      .optional(),
    /** Filled up with zeros to a multiple of 4. */
    options: hex.default(''),
    version: number(15).default(4),
    /** In words of 4 bytes. */
    headerLength: number(15).optional(),
    length: short.optional(),
  }),
  ipv6: z.strictObject({
    source: z.string().default('2001:db8::1'),
    destination: z.string().default('2001:db8::2'),
    next: byte.optional(),
    hopLimit: byte.default(64),
    version: number(15).default(6),
    length: short.optional(),
  }),
  hopByHop: z.strictObject({ bytes: number(2048).multipleOf(8).min(8).default(8), next: byte.optional() }),
  routing: z.strictObject({ bytes: number(2048).multipleOf(8).min(8).default(8), next: byte.optional() }),
  destinationOptions: z.strictObject({
    bytes: number(2048).multipleOf(8).min(8).default(8),
    next: byte.optional(),
  }),
  /** The IPv6 fragment header. */
  fragment: z.strictObject({
    offset: number(65528).multipleOf(8).default(0),
    more: z.boolean().default(false),
    id: long.default(1),
    next: byte.optional(),
  }),
  authentication: z.strictObject({
    bytes: number(1028).multipleOf(4).min(12).default(24),
    next: byte.optional(),
  }),
  tcp: z.strictObject({
    source: short.default(40000),
    destination: short.default(80),
    flags: z.array(z.enum(['fin', 'syn', 'rst', 'psh', 'ack', 'urg'])).default(['syn']),
    sequence: long.default(0),
    acknowledgement: long.default(0),
    window: short.default(65535),
  }),
  udp: z.strictObject({
    source: short.default(40000),
    destination: short.default(53),
    length: short.optional(),
  }),
  sctp: z.strictObject({ source: short.default(40000), destination: short.default(36412) }),
  icmp: z.strictObject({ type: byte.default(8), code: byte.default(0) }),
  icmpv6: z.strictObject({ type: byte.default(128), code: byte.default(0) }),
  payload: z.union([
    z.strictObject({ bytes: number(65535) }),
    z.strictObject({ text: z.string() }),
    z.strictObject({ hex }),
  ]),
};

type Shapes = typeof layerShapes;
export type LayerKind = keyof Shapes;
/** One layer with everything that its author left out. */
export type Layer = { [K in LayerKind]: { kind: K } & z.infer<Shapes[K]> }[LayerKind];

/** A layer is an object with one key, its kind: `{udp: {destination: 53}}`. */
export const layerSchema = z.record(z.string(), z.unknown()).transform((written, context): Layer => {
  const [kind = '', ...others] = Object.keys(written);
  if (others.length > 0 || !Object.hasOwn(layerShapes, kind)) {
    const kinds = Object.keys(layerShapes).join(', ');
    context.addIssue({ code: 'custom', message: `must have one key, one of ${kinds}` });
    return z.NEVER;
  }
  const parsed = layerShapes[kind as LayerKind].safeParse(written[kind] ?? {});
  if (parsed.success) return { kind, ...parsed.data } as Layer;
  for (const issue of parsed.error.issues) {
    context.addIssue({ code: 'custom', message: issue.message, path: [kind, ...issue.path] });
  }
  return z.NEVER;
});

/**
 * A packet: hex, or its layers from the outside in. Without an `ethernet` layer in front it gets a usual one.
 * `truncate` cuts it to so many bytes, `pad` fills it up with zeros.
 */
export const packetSchema = z.union([
  z
    .array(layerSchema)
    .min(1)
    .transform((layers) => ({ layers })),
  z.strictObject({ hex }),
  z.strictObject({
    layers: z.array(layerSchema).min(1),
    truncate: short.optional(),
    pad: short.optional(),
  }),
]);
export type Packet = z.infer<typeof packetSchema>;
