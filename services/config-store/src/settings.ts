import { L3afError } from '@l3af/contracts';
import { z } from 'zod';

const settingsSchema = z.object({
  NATS_URL: z.string().min(1).default('nats://127.0.0.1:4222'),
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgres://'),
  L3AF_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Health and metrics on 127.0.0.1; without it there are none. */
  L3AF_METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
});
export type Settings = z.infer<typeof settingsSchema>;

/** Reads the environment. Throws `invalid-environment` naming what is wrong. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const parsed = settingsSchema.safeParse(environment);
  if (parsed.success) return parsed.data;
  throw new L3afError('invalid-environment', `Cannot start config-store: ${z.prettifyError(parsed.error)}`);
}
