import { availableParallelism, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cannot, L3afError, nodeNameSchema } from '@l3af/contracts';
import { z } from 'zod';

const schema = z.object({
  NATS_URL: z.string().default('nats://127.0.0.1:4222'),
  L3AF_LOG_LEVEL: z.string().default('info'),
  L3AF_METRICS_PORT: z.coerce.number().int().min(0).max(65535).optional(),
  L3AF_REGISTRY_URL: z.url().default('http://127.0.0.1:8402'),
  L3AF_SIGNING_KEY: z.string().min(1, 'must be the path of a PKCS8 PEM private key'),
  L3AF_BUILDER: nodeNameSchema.default(hostname()),
  L3AF_WORK_DIR: z.string().default(join(tmpdir(), 'l3af-build-engine')),
  L3AF_BUILD_CACHE_DIR: z.string().optional(),
  L3AF_BUILD_CACHE_MIB: z.coerce.number().int().min(0).max(1_000_000).default(256),
  L3AF_INCLUDE_DIR: z.string().optional(),
  L3AF_CREDENTIALS_DIR: z.string().optional(),
  L3AF_GIT_CA_FILE: z.string().min(1).optional(),
  L3AF_GO: z.string().min(1).optional(),
  L3AF_RUSTC: z.string().min(1).optional(),
  L3AF_VERIFY: z.string().optional(),
  L3AF_VERIFY_KERNELS: z
    .string()
    .regex(/^(auto|off|\d+\.\d+(,\d+\.\d+)*)$/, 'must be auto, off, or versions such as 5.10,6.1')
    .default('off'),
  L3AF_VERIFY_MACHINE: z.string().min(1).optional(),
  L3AF_BUILDS_AT_ONCE: z.coerce.number().int().min(1).max(64).default(Math.min(4, availableParallelism())),
});

/** The build engine's configuration: environment variables, validated, with defaults. */
export interface Settings {
  natsUrl: string;
  logLevel: string;
  metricsPort: number | undefined;
  registryUrl: string;
  /** Path of a PKCS8 PEM private key. */
  signingKey: string;
  /** Who builds, as provenance names it (`urn:l3af:builder:NAME`); default: the host's name. Policies match it. */
  builder: string;
  workDir: string;
  /** What was compiled before; default: in the work folder. */
  cacheDir: string;
  /** At most so much of it is kept; 0: nothing. */
  cacheBytes: number;
  /** Headers that every source may include; default: the project's own. */
  includeDir: string | undefined;
  /** One file per credential that git sources may name. */
  credentialsDir: string | undefined;
  /** PEM certificates of authorities that git sources may use beside the system's. */
  gitAuthorities: string | undefined;
  /** Where `go` and `rustc` are; default: in PATH and the usual folders. */
  toolchains: { go: string | undefined; rustc: string | undefined };
  /** Command of `l3af-verify`, or `off`; default: the one beside the program, when this process is root. */
  verify: string | undefined;
  /** Kernels to boot for verification: those that are there already, none, or these versions. */
  verifyKernels: 'auto' | 'off' | string[];
  /** The command that boots them; default: the one of this installation. */
  verifyMachine: string[] | undefined;
  /** Builds at once in this process. */
  concurrency: number;
}

/** Reads the settings; throws `invalid-environment` naming every variable that is wrong. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    throw new L3afError('invalid-environment', cannot('start', 'service', 'build-engine', issues));
  }
  const value = parsed.data;
  return {
    natsUrl: value.NATS_URL,
    logLevel: value.L3AF_LOG_LEVEL,
    metricsPort: value.L3AF_METRICS_PORT,
    registryUrl: value.L3AF_REGISTRY_URL,
    signingKey: value.L3AF_SIGNING_KEY,
    builder: value.L3AF_BUILDER,
    workDir: value.L3AF_WORK_DIR,
    cacheDir: value.L3AF_BUILD_CACHE_DIR ?? join(value.L3AF_WORK_DIR, 'cache'),
    cacheBytes: value.L3AF_BUILD_CACHE_MIB * 1024 * 1024,
    includeDir: value.L3AF_INCLUDE_DIR,
    credentialsDir: value.L3AF_CREDENTIALS_DIR,
    gitAuthorities: value.L3AF_GIT_CA_FILE,
    toolchains: { go: value.L3AF_GO, rustc: value.L3AF_RUSTC },
    verify: value.L3AF_VERIFY,
    verifyKernels: kernelsOf(value.L3AF_VERIFY_KERNELS),
    verifyMachine: value.L3AF_VERIFY_MACHINE?.split(' '),
    concurrency: value.L3AF_BUILDS_AT_ONCE,
  };
}

const kernelsOf = (text: string): Settings['verifyKernels'] =>
  text === 'auto' || text === 'off' ? text : text.split(',');
