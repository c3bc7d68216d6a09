import { z } from 'zod';
import { wireErrorSchema } from './errors';

const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({
    type: z.literal(type),
    version: z.literal(1),
    data: z.object({ deployment: z.string(), ...shape }),
  });

/** A change of many chains in waves. */
export const deploymentEventSchema = z.discriminatedUnion('type', [
  event('DeploymentRequested', {
    selector: z.record(z.string(), z.string()),
    nodes: z.array(z.string()),
    summary: z.string(),
  }),
  event('WaveStarted', { wave: z.number().int(), nodes: z.array(z.string()) }),
  event('WaveSucceeded', { wave: z.number().int() }),
  event('DeploymentCompleted', {}),
  event('DeploymentRolledBack', { error: wireErrorSchema }),
  event('DeploymentAborted', { reason: z.string() }),
]);
export type DeploymentEvent = z.infer<typeof deploymentEventSchema>;
