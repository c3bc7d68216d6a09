import { hostname } from 'node:os';
import { cannot, L3afError, nodeNameSchema } from '@l3af/contracts';
import { z } from 'zod';

const labels = z
  .string()
  .default('')
  .transform((text, context) => {
    const pairs = text.split(',').filter((pair) => pair !== '');
    const entries = pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) context.addIssue({ code: 'custom', message: `label "${pair}" must be key=value` });
      return [pair.slice(0, at), pair.slice(at + 1)] as const;
    });
    return Object.fromEntries(entries);
  });

const schema = z.object({
  NATS_URL: z.string().default('nats://127.0.0.1:4222'),
  L3AF_LOG_LEVEL: z.string().default('info'),
  L3AF_METRICS_PORT: z.coerce.number().int().min(0).max(65535).optional(),
  L3AF_NODE: nodeNameSchema.default(hostname()),
  L3AF_NODE_NETNS: z.string().optional(),
  L3AF_INSTANCE: nodeNameSchema.default('default'),
  L3AF_REGISTRY_URL: z.url().default('http://127.0.0.1:8402'),
  L3AF_TRUSTED_KEYS: z.string().optional(),
  L3AF_CACHE_DIR: z.string().default('/var/lib/l3af/executor'),
  L3AF_NODE_LABELS: labels,
  L3AF_PROBATION_SECONDS: z.coerce.number().min(0).max(86_400).default(10),
});

/** The executor's configuration: environment variables, validated, with defaults. */
export interface Settings {
  natsUrl: string;
  logLevel: string;
  metricsPort: number | undefined;
  node: string;
  netns: string | undefined;
  instance: string;
  registryUrl: string;
  trustedKeys: string | undefined;
  cacheDir: string;
  labels: Record<string, string>;
  /** How long a previous generation is kept for a roll-back, in milliseconds. */
  probationMs: number;
}

/** Reads the settings; throws `invalid-environment` naming every variable that is wrong. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new L3afError('invalid-environment', cannot('start', 'executor', env['L3AF_NODE'] ?? '', issues));
  }
  const value = parsed.data;
  return {
    natsUrl: value.NATS_URL,
    logLevel: value.L3AF_LOG_LEVEL,
    metricsPort: value.L3AF_METRICS_PORT,
    node: value.L3AF_NODE,
    netns: value.L3AF_NODE_NETNS,
    instance: value.L3AF_INSTANCE,
    registryUrl: value.L3AF_REGISTRY_URL,
    trustedKeys: value.L3AF_TRUSTED_KEYS,
    cacheDir: value.L3AF_CACHE_DIR,
    labels: value.L3AF_NODE_LABELS,
    probationMs: value.L3AF_PROBATION_SECONDS * 1000,
  };
}
