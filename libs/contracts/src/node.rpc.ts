import { z } from 'zod';
import { configValueSchema } from './config-value';
import { kfCountersSchema } from './chain.view';
import { wireErrorSchema } from './errors';
import { hookSchema } from './names';
import { attachModes } from './report.events';

const key = { interface: z.string(), hook: hookSchema };
const kf = { ...key, kf: z.string() };

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
