import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { deriveSchema, hooksOf, staticReport } from '@l3af/bpf-object';
import {
  attachmentTypes,
  type BuildRequested,
  cannot,
  type Diagnostic,
  L3afError,
  type ObjectSchema,
  userspaceType,
} from '@l3af/contracts';
import type { Attachment } from '@l3af/oci';
import { compileAll, type BuiltObject, type CompiledPackage } from '../compile/compile-all';
import { type BuiltProgram, checkUserspace, compileUserspace } from '../userspace/compile-userspace';
import { checkName, nameOf, type PackagePlan, planPackage, versionOf } from '../manifest/package-plan';
import { uselessProse } from '../manifest/check-manifest';
import { type ReadManifest, readManifest } from '../manifest/read-manifest';
import { type SbomInput, sourceFiles, spdxDocument } from '../publish/sbom';
import { findToolchain } from '../sandbox/toolchain';
import { type FetchedSource, fetchSource, type FolderSource } from '../source/fetch-source';
import type { TestFile } from '../verify/kernel';
import type { BuildContext } from './run-build';

/** A package that is ready to be pushed, with what will be attached to it. */
export interface Prepared {
  plan: Pick<PackagePlan, 'name' | 'version' | 'manifest' | 'flags'>;
  objects: { architecture: string; bytes: Uint8Array }[];
  schema: ObjectSchema;
  sourceDigest: string;
  commit: string | undefined;
  diagnostics: Diagnostic[];
  commands: string[][];
  compiler: string | undefined;
  files: Attachment[];
}

type Request = BuildRequested['data'];

/** Fetches, compiles and inspects; leaves nothing to do but packaging. */
export async function prepare(request: Request, context: BuildContext): Promise<Prepared> {
  const { source } = request;
  return source.kind === 'object'
    ? prepareObject({ ...request, source }, context)
    : prepareSource({ ...request, source }, context);
}

async function prepareSource(
  request: Request & { source: FolderSource },
  context: BuildContext,
): Promise<Prepared> {
  const { progress } = context;
  const fetched = await fetchSource(request.source, {
    ...context,
    say: (line) => progress.say('fetch', line),
  });
  const read = await readManifest(fetched.folder, fetched.entries);
  const plan = planPackage({
    manifest: read?.manifest,
    entries: fetched.entries,
    sourceDigest: fetched.sourceDigest,
    name: request.name,
    version: request.packageVersion,
  });
  const tests = await readListed(plan.manifest?.tests ?? [], fetched);
  const userspace = plan.manifest?.userspace ?? [];
  await checkUserspace(userspace, context.toolchains);
  const compiling = {
    ...context,
    say: (line: string, target: string): void => progress.say('compile', line, target),
    quote: (text: string): void => progress.quote(text),
  };
  const compiled = await compileAll(plan, fetched, compiling);
  const programs = await compileUserspace(userspace, fetched, compiling);
  const { objects, diagnostics, commands } = compiled;
  const compiler = (await findToolchain()).version;
  const files = await attachments({ plan, fetched, compiled, compiler, tests, programs });
  const { sourceDigest, commit } = fetched;
  const schema = inspect(objects, plan.source, context);
  files.push(reportOf(objects, context));
  if (read) diagnostics.push(...proseWarnings(read, schema));
  return { plan, objects, schema, sourceDigest, commit, diagnostics, commands, compiler, files };
}

/** A compiled object is published as it is. */
async function prepareObject(
  request: Request & { source: Extract<Request['source'], { kind: 'object' }> },
  context: BuildContext,
): Promise<Prepared> {
  const { fileName, object } = request.source;
  context.progress.say('fetch', `reading ${fileName} (${object.sizeBytes} bytes)`);
  const bytes = await context.readObject(object.digest);
  const name = request.name ?? nameOf(fileName, '.bpf.o', '.o');
  const version = request.packageVersion ?? versionOf(object.digest);
  checkName(name, version);
  const architectures = isBigEndian(bytes) ? ['s390x'] : ['amd64', 'arm64'];
  const objects = architectures.map((architecture) => ({ architecture, bytes }));
  const plan = { name, version, manifest: undefined, flags: [] };
  const files = [{ path: fileName, read: () => Promise.resolve(bytes) }];
  const sbom = await sbomOf({ plan, sourceDigest: object.digest, files, compiler: undefined });
  const schema = inspect(objects, fileName, context);
  return {
    plan,
    objects,
    schema,
    sourceDigest: object.digest,
    commit: undefined,
    diagnostics: [],
    commands: [],
    compiler: undefined,
    files: [sbom, reportOf(objects, context)],
  };
}

const isBigEndian = (elf: Uint8Array): boolean => elf[5] === 2;

function inspect(objects: Prepared['objects'], source: string, { progress }: BuildContext): ObjectSchema {
  const [first] = objects;
  const schema = deriveSchema(first?.bytes ?? new Uint8Array());
  if (schema.programs.length === 0) {
    const state = 'it has no program, needs one in a section such as SEC("xdp")';
    throw new L3afError('invalid-object', cannot('publish', 'object', source, state), {
      hint: 'Put SEC("xdp"), SEC("tc") or another type of program before its function',
    });
  }
  const listed = schema.programs.map(({ name, type, section }) => `${name} (${type ?? section})`).join(', ');
  progress.say(
    'inspect',
    `programs ${listed}; ${schema.maps.length} maps, ${schema.constants.length} constants`,
  );
  const isUsable = schema.programs.some((program) => hooksOf(program).length > 0);
  if (!isUsable) progress.say('inspect', 'no program of it can be put into a chain');
  return schema;
}

function proseWarnings({ manifest, lineOf }: ReadManifest, schema: ObjectSchema): Diagnostic[] {
  return uselessProse(manifest, schema).map(({ path, message }) => ({
    ...{ file: 'kf.yaml', line: lineOf(path), severity: 'warning', message },
  }));
}

/** What the object asks of a kernel, for whoever wants to know before a kernel is asked. */
function reportOf([first]: Prepared['objects'], { progress }: BuildContext): Attachment {
  const report = staticReport(first?.bytes ?? new Uint8Array());
  const deciding = [...report.programs, ...report.maps, ...report.helpers, ...report.features]
    .filter(({ kernel }) => kernel === report.kernel)
    .map(({ name }) => name);
  const why = deciding.length > 0 ? ` for ${deciding.join(', ')}` : '';
  progress.say('inspect', `needs Linux ${report.kernel} or newer${why}`);
  return { artifactType: attachmentTypes.report, bytes: Buffer.from(JSON.stringify(report, null, 1)) };
}

/** Files that kf.yaml names. */
async function readListed(paths: readonly string[], { folder, entries }: FetchedSource): Promise<TestFile[]> {
  return Promise.all(
    paths.map(async (given) => {
      const path = posix.normalize(given);
      if (!entries.some((entry) => entry.path === path)) {
        throw new L3afError(
          'invalid-manifest',
          cannot('find', 'file', given, 'kf.yaml names it, the source has none'),
          { hint: 'Correct kf.yaml; its paths are relative to itself' },
        );
      }
      return { path, bytes: new Uint8Array(await readFile(join(folder, path))) };
    }),
  );
}

interface Attached {
  plan: PackagePlan;
  fetched: FetchedSource;
  compiled: CompiledPackage;
  compiler: string;
  tests: TestFile[];
  programs: BuiltProgram[];
}

async function attachments({
  plan,
  fetched,
  compiled,
  compiler,
  tests,
  programs,
}: Attached): Promise<Attachment[]> {
  const readme = plan.manifest?.readme;
  const readmes = await readListed(readme === undefined ? [] : [readme], fetched);
  const { sourceDigest } = fetched;
  const sbom = await sbomOf({ plan, sourceDigest, files: sourceFiles(fetched), compiler });
  const titled = (path: string): Record<string, string> => ({ 'org.opencontainers.image.title': path });
  return [
    sbom,
    ...readmes.map(({ path, bytes }) => ({
      artifactType: attachmentTypes.readme,
      bytes,
      annotations: titled(path),
    })),
    ...tests.map(({ path, bytes }) => ({
      artifactType: attachmentTypes.tests,
      bytes,
      annotations: titled(path),
    })),
    ...compiled.variants.map(variant),
    ...programs.map(program),
  ];
}

const sbomOf = async (input: SbomInput): Promise<Attachment> => ({
  artifactType: attachmentTypes.sbom,
  bytes: Buffer.from(JSON.stringify(await spdxDocument(input), null, 1)),
});

const program = ({ name, language, architecture, bytes }: BuiltProgram): Attachment => ({
  artifactType: userspaceType,
  bytes,
  annotations: {
    'org.opencontainers.image.title': name,
    'io.l3af.architecture': architecture,
    'io.l3af.language': language,
  },
});

const variant = ({ architecture, cpu, bytes }: BuiltObject): Attachment => ({
  artifactType: attachmentTypes.object,
  bytes,
  annotations: { 'io.l3af.architecture': architecture, 'io.l3af.cpu': cpu },
});
