import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildRequested, Diagnostic } from '@l3af/contracts';
import { buildImage, type RegistryClient } from '@l3af/oci';
import { attachAll } from '../publish/attach';
import { slsaProvenance } from '../publish/provenance';
import type { CompileCache } from '../compile/compile-cache';
import { publish } from '../publish/publish';
import type { ToolchainPaths } from '../userspace/recipe';
import { prepare, type Prepared } from './prepare';
import type { Progress } from './progress';

export interface BuildContext {
  workDir: string;
  headers: string;
  /** Of the bundled headers' content. */
  headersDigest: string;
  /** Of what was compiled before; undefined: everything is compiled anew. */
  cache: CompileCache | undefined;
  /** Who builds, as provenance says it: the same for every process that is started alike. */
  builder: string;
  credentialsDir: string | undefined;
  gitAuthorities: string | undefined;
  toolchains: ToolchainPaths;
  readObject: (digest: string) => Promise<Uint8Array>;
  client: RegistryClient;
  /** PKCS8 PEM. */
  signingKey: () => Promise<string>;
  progress: Progress;
  /** Ends the build before it has published anything: it was cancelled, or its builder stops. */
  signal: AbortSignal;
  /** Ends it whenever it comes: its builder stops, another one does it again. */
  lease: AbortSignal;
}

export interface BuildResult {
  name: string;
  version: string;
  digest: string;
  sourceDigest: string;
  diagnostics: Diagnostic[];
}

type Request = BuildRequested['data'];

/** Fetches, compiles, inspects, packages, pushes, signs and attaches. What goes wrong is an `L3afError` for whoever asked. */
export async function runBuild(request: Request, context: BuildContext): Promise<BuildResult> {
  const workDir = await mkdtemp(join(context.workDir, `${process.pid}-`));
  const startedAt = new Date().toISOString();
  try {
    const prepared = await prepare(request, { ...context, workDir });
    const { plan, sourceDigest, diagnostics } = prepared;
    const { digest } = await publishAll(request, prepared, { context, startedAt });
    const { name, version } = plan;
    return { name, version, digest, sourceDigest, diagnostics };
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function publishAll(
  request: Request,
  prepared: Prepared,
  { context, startedAt }: { context: BuildContext; startedAt: string },
): Promise<{ digest: string }> {
  const { plan, objects, schema, sourceDigest, files } = prepared;
  const { client, signal, lease, progress } = context;
  const fileName = `${plan.name.split('/').at(-1) ?? 'kf'}.bpf.o`;
  const image = buildImage({ objects, manifest: plan.manifest, schema, sourceDigest, fileName });
  progress.say('package', `packaged ${plan.name}@${plan.version} as ${image.digest}`);
  const signingKey = await context.signingKey();
  const say = (step: 'push' | 'sign', line: string): void => progress.say(step, line);
  const published = await publish({ ...plan, image, client, signingKey, signal, lease, say });
  const provenance = slsaProvenance({
    ...prepared,
    ...plan,
    build: request.build,
    builder: context.builder,
    source: request.source,
    headersDigest: prepared.compiler === undefined ? undefined : context.headersDigest,
    startedAt,
    finishedAt: new Date().toISOString(),
  });
  await attachAll({ client, name: plan.name, digest: published.digest, signingKey, files, provenance });
  progress.say('sign', `attached provenance and ${files.length} files`);
  return published;
}
