import {
  type ChainAttach,
  chainAttachSchema,
  type ChainEvent,
  type ChainKey,
  type DesiredKf,
  desiredKfSchema,
  hookSchema,
} from '@l3af/contracts';
import { z } from 'zod';

/** What a hook's chain should be: the last revision stored for it. */
export interface DesiredChain {
  key: ChainKey;
  revision: number;
  /** The sequence of the chain event in the stream; later is newer. */
  sequence: number;
  /** `deleted`: nothing of ours on the hook. Otherwise attached, with a pass program when `kfs` is empty. */
  deleted: boolean;
  /** How it shares the hook with others. */
  attach?: ChainAttach | undefined;
  kfs: DesiredKf[];
}

export const desiredChainSchema: z.ZodType<DesiredChain> = z.object({
  key: z.object({ node: z.string(), interface: z.string(), hook: hookSchema }),
  revision: z.number().int(),
  sequence: z.number().int(),
  deleted: z.boolean(),
  attach: chainAttachSchema.optional(),
  kfs: z.array(desiredKfSchema),
});

/** The desired chain that an event at a sequence says. */
export function desiredFrom(event: ChainEvent, sequence: number): DesiredChain {
  const { node, interface: name, hook, revision } = event.data;
  const key = { node, interface: name, hook };
  switch (event.type) {
    case 'ChainRevised':
      return { key, revision, sequence, deleted: false, attach: event.data.attach, kfs: event.data.kfs };
    case 'ChainCleared':
      return { key, revision, sequence, deleted: false, attach: event.data.attach, kfs: [] };
    case 'ChainDeleted':
      return { key, revision, sequence, deleted: true, kfs: [] };
  }
}
