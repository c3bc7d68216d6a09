import { z } from 'zod';
import { buildEventSchema, buildRequestEventSchema } from './build.events';
import { chainEventSchema } from './chain.events';
import { deploymentEventSchema } from './deployment.events';
import type { RawEvent } from './envelope';
import { L3afError } from './errors';
import { nodeEventSchema, nodeLabelledSchema, policyChangedSchema, trustChangedSchema } from './node.events';
import { packageEventSchema } from './package.events';
import { reportEventSchema } from './report.events';
import { verificationRequestedSchema } from './verification.events';

/** Every event there is, by type. */
export const l3afEventSchema = z.discriminatedUnion('type', [
  ...chainEventSchema.options,
  ...reportEventSchema.options,
  ...nodeEventSchema.options,
  nodeLabelledSchema,
  policyChangedSchema,
  trustChangedSchema,
  ...buildRequestEventSchema.options,
  ...buildEventSchema.options,
  ...packageEventSchema.options,
  verificationRequestedSchema,
  ...deploymentEventSchema.options,
]);
export type L3afEvent = z.infer<typeof l3afEventSchema>;

/**
 * Brings a stored event to today's shape. Every type is at version 1; when a type gains a version, its
 * upcaster is added here and its older golden stays in `golden/` for ever.
 */
export function parseEvent(raw: RawEvent): L3afEvent {
  const parsed = l3afEventSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new L3afError(
    'internal',
    `Cannot read event "${raw.type}" version ${raw.version}: ${z.prettifyError(parsed.error)}`,
    {
      hint: 'A newer L3AF may have written it; upgrade this service',
    },
  );
}
