import { cannot, L3afError } from '@l3af/contracts';
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65535);

const schema = z.object({
  NATS_URL: z.string().min(1).default('nats://127.0.0.1:4222'),
  L3AF_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  L3AF_METRICS_PORT: port.optional(),
  L3AF_HOST: z.string().min(1).default('127.0.0.1'),
  L3AF_API_PORT: port.default(8400),
  L3AF_GRPC_PORT: port.default(8401),
  L3AF_REGISTRY_URL: z.url().default('http://127.0.0.1:8402'),
  /** A file or folder of public keys (PEM) and of identities with their roots (JSON), whose statements count beside those of whom nodes are told to trust. */
  L3AF_TRUSTED_KEYS: z.string().min(1).optional(),
});

/** The service's configuration: environment variables by their own names, validated, with defaults. */
export type Settings = z.infer<typeof schema>;

/** Reads the settings; throws `invalid-environment` naming every variable that is wrong. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new L3afError('invalid-environment', cannot('start', 'service', 'deploy-api', issues));
}
