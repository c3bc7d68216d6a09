import type { BuildSource } from '@l3af/contracts';

export interface ProvenanceInput {
  build: string;
  builder: string;
  source: BuildSource;
  sourceDigest: string;
  commit: string | undefined;
  name: string;
  version: string;
  flags: readonly string[];
  /** The compiler's command lines; none for an object that came compiled. */
  commands: readonly string[][];
  compiler: string | undefined;
  headersDigest: string | undefined;
  startedAt: string;
  finishedAt: string;
}

const algorithmAndHex = (digest: string): Record<string, string> => {
  const [algorithm = 'sha256', hex = ''] = digest.split(':');
  return { [algorithm]: hex };
};

/** Where the source came from, without the name of a credential. */
function sourceParameters(source: BuildSource): Record<string, unknown> {
  if (source.kind === 'git')
    return { kind: 'git', url: source.url, ref: source.ref ?? null, folder: source.folder ?? null };
  return { kind: source.kind, fileName: source.fileName, digest: source.object.digest };
}

/** SLSA provenance, version 1: from what, with what and by whom a package was built. */
export function slsaProvenance(input: ProvenanceInput): Record<string, unknown> {
  const { source, commit, compiler, headersDigest } = input;
  const uri = source.kind === 'git' ? `git+${source.url}` : `l3af:source:${source.fileName}`;
  return {
    buildDefinition: {
      buildType: 'urn:l3af:build:v1',
      externalParameters: { source: sourceParameters(source), name: input.name, version: input.version },
      internalParameters: { flags: input.flags, commands: input.commands },
      resolvedDependencies: [
        {
          uri,
          digest: {
            ...algorithmAndHex(input.sourceDigest),
            ...(commit !== undefined && { gitCommit: commit }),
          },
        },
        ...(headersDigest === undefined
          ? []
          : [{ name: 'bundled headers', digest: algorithmAndHex(headersDigest) }]),
        ...(compiler === undefined ? [] : [{ name: 'clang', annotations: { version: compiler } }]),
      ],
    },
    runDetails: {
      builder: { id: `urn:l3af:builder:${input.builder}` },
      metadata: { invocationId: input.build, startedOn: input.startedAt, finishedOn: input.finishedAt },
    },
  };
}
