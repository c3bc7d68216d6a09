import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveSchema, hooksOf } from '@l3af/bpf-object';
import { type BuildRequested, cannot, type Diagnostic, L3afError, type ObjectSchema } from '@l3af/contracts';
import { buildImage, type RegistryClient } from '@l3af/oci';
import { compileAll } from '../compile/compile-all';
import { checkName, nameOf, type PackagePlan, planPackage, versionOf } from '../manifest/package-plan';
import { readManifest } from '../manifest/read-manifest';
import { publish } from '../publish/publish';
import { fetchSource } from '../source/fetch-source';
import type { Progress } from './progress';

export interface BuildContext {
  workDir: string;
  headers: string;
  credentialsDir: string | undefined;
  readObject: (digest: string) => Promise<Uint8Array>;
  client: RegistryClient;
  /** PKCS8 PEM. */
  signingKey: () => Promise<string>;
  progress: Progress;
  signal: AbortSignal;
}

export interface BuildResult {
  name: string;
  version: string;
  digest: string;
  sourceDigest: string;
  diagnostics: Diagnostic[];
}

/** A package that is ready to be pushed. */
interface Prepared {
  plan: Pick<PackagePlan, 'name' | 'version' | 'manifest'>;
  objects: { architecture: string; bytes: Uint8Array }[];
  schema: ObjectSchema;
  sourceDigest: string;
  diagnostics: Diagnostic[];
}

type Request = BuildRequested['data'];

/** Fetches, compiles, inspects, packages, pushes and signs. What goes wrong is an `L3afError` for whoever asked. */
export async function runBuild(request: Request, context: BuildContext): Promise<BuildResult> {
  const workDir = await mkdtemp(join(context.workDir, `${process.pid}-`));
  try {
    const prepared = await prepare(request, { ...context, workDir });
    const { plan, objects, schema, sourceDigest, diagnostics } = prepared;
    const fileName = `${plan.name.split('/').at(-1) ?? 'kf'}.bpf.o`;
    const image = buildImage({ objects, manifest: plan.manifest, schema, sourceDigest, fileName });
    context.progress.say('package', `packaged ${plan.name}@${plan.version} as ${image.digest}`);
    const { digest } = await publish({
      ...plan,
      image,
      client: context.client,
      signingKey: await context.signingKey(),
      signal: context.signal,
      say: (step, line) => context.progress.say(step, line),
    });
    return { name: plan.name, version: plan.version, digest, sourceDigest, diagnostics };
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function prepare(request: Request, context: BuildContext): Promise<Prepared> {
  const { source } = request;
  if (source.kind === 'object') return prepareObject(request, context);
  const { progress } = context;
  const fetched = await fetchSource(source, { ...context, say: (line) => progress.say('fetch', line) });
  const plan = planPackage({
    manifest: await readManifest(fetched.folder),
    entries: fetched.entries,
    sourceDigest: fetched.sourceDigest,
    name: request.name,
    version: request.packageVersion,
  });
  const { objects, diagnostics } = await compileAll(plan, fetched, {
    ...context,
    say: (line, target) => progress.say('compile', line, target),
    quote: (text) => progress.quote(text),
  });
  return {
    plan,
    objects,
    diagnostics,
    schema: inspect(objects, plan.source, progress),
    sourceDigest: fetched.sourceDigest,
  };
}

/** A compiled object is published as it is. */
async function prepareObject(request: Request, { progress, readObject }: BuildContext): Promise<Prepared> {
  const { source } = request;
  if (source.kind !== 'object')
    throw new L3afError('internal', cannot('prepare', 'source', source.kind, 'it is no object'));
  const { digest } = source.object;
  progress.say('fetch', `reading ${source.fileName} (${source.object.sizeBytes} bytes)`);
  const bytes = await readObject(digest);
  const name = request.name ?? nameOf(source.fileName, '.bpf.o', '.o');
  const version = request.packageVersion ?? versionOf(digest);
  checkName(name, version);
  const architectures = isBigEndian(bytes) ? ['s390x'] : ['amd64', 'arm64'];
  const objects = architectures.map((architecture) => ({ architecture, bytes }));
  const schema = inspect(objects, source.fileName, progress);
  return {
    plan: { name, version, manifest: undefined },
    objects,
    schema,
    sourceDigest: digest,
    diagnostics: [],
  };
}

const isBigEndian = (elf: Uint8Array): boolean => elf[5] === 2;

function inspect(objects: Prepared['objects'], source: string, progress: Progress): ObjectSchema {
  const [first] = objects;
  const schema = deriveSchema(first?.bytes ?? new Uint8Array());
  if (schema.programs.length === 0) {
    throw new L3afError(
      'invalid-object',
      cannot('publish', 'object', source, 'it has no program, needs one in a section such as SEC("xdp")'),
    );
  }
  const usable = schema.programs.filter((program) => hooksOf(program).length > 0);
  const listed = schema.programs.map(({ name, type, section }) => `${name} (${type ?? section})`).join(', ');
  progress.say(
    'inspect',
    `programs ${listed}; ${schema.maps.length} maps, ${schema.constants.length} constants`,
  );
  if (usable.length === 0) progress.say('inspect', 'no program of it can be put into a chain');
  return schema;
}
