import { L3afError } from '@l3af/contracts';
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);

const settingsSchema = z.object({
  NATS_URL: z.string().default('nats://127.0.0.1:4222'),
  L3AF_HOST: z.string().default('127.0.0.1'),
  /** 0 takes a free port. */
  L3AF_REGISTRY_PORT: port.default(8402),
  L3AF_METRICS_PORT: port.optional(),
  /** Keep everything in this folder instead of JetStream. */
  L3AF_BLOB_DIR: z.string().min(1).optional(),
  /** With `1`, the folder's files wait for the disk: slower, and safe against power cuts, too. */
  L3AF_BLOB_SYNC: z.enum(['0', '1']).default('0'),
  /** Where parts of blobs that lie in JetStream are kept for the next pull; default: a temporary folder. */
  L3AF_CACHE_DIR: z.string().min(1).optional(),
  /** How many bytes of them; 0: none. */
  L3AF_CACHE_BYTES_MAX: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(1024 ** 3),
  /** A folder of files with `user:password`, for registries that packages are mirrored from. */
  L3AF_CREDENTIALS_DIR: z.string().min(1).optional(),
  L3AF_BLOB_BYTES_MAX: z.coerce
    .number()
    .int()
    .positive()
    .max(8 * 1024 ** 3)
    .default(4 * 1024 ** 3),
  /** Uploads under way at once; at the limit those that nobody feeds make room. 0: any. */
  L3AF_UPLOADS_MAX: z.coerce.number().int().nonnegative().default(1000),
  /** Bytes of blobs, manifests and uploads under way that one repository may have; 0: any. */
  L3AF_REPOSITORY_BYTES_MAX: z.coerce.number().int().nonnegative().default(0),
  /** Requests a second from one address, after a burst of twice as many; 0: any. */
  L3AF_REQUESTS_PER_SECOND: z.coerce.number().int().nonnegative().default(0),
  /** How often garbage is collected; 0: never. */
  L3AF_GC_INTERVAL_SECONDS: z.coerce.number().int().nonnegative().default(3600),
  /** What nobody has touched for this long and nothing refers to is garbage. */
  L3AF_GC_AGE_SECONDS: z.coerce
    .number()
    .int()
    .min(1200)
    .default(24 * 3600),
});
export type Settings = z.infer<typeof settingsSchema>;

/** The settings in the environment; throws `invalid-environment` naming what is wrong. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const parsed = settingsSchema.safeParse(environment);
  if (parsed.success) return parsed.data;
  throw new L3afError(
    'invalid-environment',
    `Cannot start artifact-registry: ${z.prettifyError(parsed.error)}`,
  );
}
