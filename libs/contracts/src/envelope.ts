import { z } from 'zod';

/** One event inside an envelope. `version` counts the shapes of this type; older ones are upcast on read. */
export const rawEventSchema = z.object({
  type: z.string(),
  version: z.number().int().positive(),
  data: z.unknown(),
});
export type RawEvent = z.infer<typeof rawEventSchema>;

/** One decision is one message: everything that it decided is in `events`, so a decision is stored whole or not at all. */
export const envelopeSchema = z.object({
  id: z.string().min(1),
  /** The subject without its `l3af.evt.` prefix. */
  streamId: z.string().min(1),
  at: z.iso.datetime(),
  actor: z.string().min(1),
  correlationId: z.string().min(1),
  causationId: z.string().min(1),
  prevHash: z.string().optional(),
  events: z.array(rawEventSchema).min(1),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** Events larger than this put their bulk in the object store and carry its digest (NATS refuses messages over 1 MiB). */
export const eventSizeBytesMax = 64 * 1024;

/** A pointer to bulk content in a JetStream object store bucket, named by its digest. */
export const objectReferenceSchema = z.object({
  bucket: z.string(),
  digest: z.string(),
  sizeBytes: z.number().int().nonnegative(),
});
export type ObjectReference = z.infer<typeof objectReferenceSchema>;
