import { z } from 'zod';
import { configValueSchema } from './config-value';
import { kfCountersSchema } from './chain.view';
import { wireErrorSchema } from './errors';
import { hookSchema } from './names';
import { attachModes } from './report.events';

const key = { interface: z.string(), hook: hookSchema };
const kf = { ...key, kf: z.string() };

/** What became of a packet, KF by KF. */
export const explanationSchema = z.object({
  ...key,
  revision: z.number().int(),
  generation: z.number().int(),
  steps: z.array(
    z.object({
      kf: z.string(),
      package: z.string(),
      version: z.string(),
      /** Absent when the KF is switched off: the packet goes past it. */
      verdict: z.string().optional(),
      proceeded: z.boolean(),
      nanoseconds: z.number().optional(),
      /** Bytes that the KF changed; a change of length shifts nothing: it is told apart. */
      changes: z.array(z.object({ offset: z.number().int(), before: z.string(), after: z.string() })),
      lengthBefore: z.number().int(),
      lengthAfter: z.number().int(),
      /** What the shadow could not copy. */
      notes: z.array(z.string()),
    }),
  ),
  /** With which verdict the packet leaves the hook. */
  verdict: z.string(),
  /** The KF that ended it; absent when it reached the end of the chain. */
  leftAt: z.string().optional(),
  /** The packet as it leaves, in hex. */
  packet: z.string(),
});
export type Explanation = z.infer<typeof explanationSchema>;

/** One live packet on its way through the chain. `packet` and `arrived` are its first bytes, as many as are recorded. */
export const liveExplanationSchema = explanationSchema.extend({
  /** From 1, in the order of coming. */
  number: z.number().int(),
  at: z.iso.datetime(),
  /** The packet as it came, in hex. */
  arrived: z.string(),
  /** Of the whole packet as it came and as it leaves, in bytes. */
  lengthBefore: z.number().int(),
  lengthAfter: z.number().int(),
});
export type LiveExplanation = z.infer<typeof liveExplanationSchema>;

/** Why no more packets are explained, and how many were. */
export const liveEndSchema = z.object({
  /** `count`: as many as were asked for. `changed`: the chain is another one. `stopped`: the caller or the executor went. */
  reason: z.enum(['count', 'timeout', 'changed', 'stopped']),
  packets: z.number().int(),
  /** Packets that matched and are not told, because a part of their way was not recorded. */
  incomplete: z.number().int(),
});
export type LiveEnd = z.infer<typeof liveEndSchema>;

export const explainSecondsMax = 600;
const session = z.object({ session: z.string() });

/** What each KF cost on live packets. */
export const timingSchema = z.object({
  ...key,
  revision: z.number().int(),
  seconds: z.number(),
  /** Nanoseconds: mean of the sampled runs; null when too few packets came by. */
  kfs: z.array(z.object({ name: z.string(), nanoseconds: z.number().nullable(), packets: z.number() })),
});
export type Timing = z.infer<typeof timingSchema>;

/** Counters as they were before they were reset. */
export const countersResetReplySchema = z.object({
  ...key,
  revision: z.number().int(),
  generation: z.number().int(),
  kfs: z.array(kfCountersSchema.pick({ name: true, verdicts: true, proceeded: true })),
});
export type CountersReset = z.infer<typeof countersResetReplySchema>;

/** Live questions to one node's executor: plain NATS request/reply with JSON bodies. */
export const nodeRpc = {
  /** Live counters of every chain, read from the kernel now. */
  chains: {
    request: z.object({ interface: z.string().optional(), hook: hookSchema.optional() }),
    reply: z.array(
      z.object({
        ...key,
        revision: z.number().int(),
        generation: z.number().int(),
        mode: z.enum(attachModes),
        kfs: z.array(kfCountersSchema),
        /** Fall-throughs inside the chain; anything but 0 is a broken chain. */
        broken: z.number(),
      }),
    ),
  },
  'map-dump': {
    request: z.object({ ...kf, map: z.string(), limit: z.number().int().positive().default(10_000) }),
    reply: z.object({
      map: z.string(),
      type: z.string(),
      entries: z.array(z.object({ key: configValueSchema, value: configValueSchema })),
      truncated: z.boolean(),
    }),
  },
  /** Lets the counters of a live chain begin at zero, or those of one KF; answers what they were. Stored as `CountersReset`. */
  'reset-counters': {
    request: z.object({
      ...key,
      /** Default: all KFs. */
      kf: z.string().optional(),
      actor: z.string(),
      reason: z.string().optional(),
      correlationId: z.string().optional(),
    }),
    reply: countersResetReplySchema,
  },
  /** Measures every KF of a chain on live packets for some seconds; the chain itself stays as it is. */
  time: {
    request: z.object({ ...key, seconds: z.number().min(0.1).max(60) }),
    reply: timingSchema,
  },
  /** Runs one packet through a shadow of the live chain: nothing that runs is changed, nothing is sent. */
  explain: {
    request: z.object({
      ...key,
      /** The packet from its Ethernet header on, in hex. */
      packet: z.string().regex(/^([0-9a-fA-F]{2}){14,16384}$/, 'must be 14 to 16384 bytes in hex'),
    }),
    reply: explanationSchema,
  },
  /**
   * From now on the packets that match are recorded on the live chain, which stays as it is. The caller asks `explain-next` again and
   * again; when it does not for 10 s, recording ends.
   */
  'explain-start': {
    request: z.object({
      ...key,
      /** Such as `tcp and dst port 443`. */
      match: z.string().default('any'),
      count: z.number().int().min(1).max(1000).default(10),
      seconds: z.number().min(0.1).max(explainSecondsMax).default(30),
    }),
    reply: z.object({ session: z.string(), revision: z.number().int(), generation: z.number().int() }),
  },
  /** The packets since the last time; waits a moment for the first. With `end` there are no more. */
  'explain-next': {
    request: session,
    reply: z.object({ packets: z.array(liveExplanationSchema), end: liveEndSchema.optional() }),
  },
  'explain-stop': { request: session, reply: z.object({}) },
} as const;
export type NodeVerb = keyof typeof nodeRpc;
export type NodeRequest<V extends NodeVerb> = z.input<(typeof nodeRpc)[V]['request']>;
export type NodeReply<V extends NodeVerb> = z.infer<(typeof nodeRpc)[V]['reply']>;

/** Every reply on `l3af.rpc.node.…`: the result, or why not. */
export const rpcReplySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({ ok: z.literal(false), error: wireErrorSchema }),
]);
export type RpcReply = z.infer<typeof rpcReplySchema>;
