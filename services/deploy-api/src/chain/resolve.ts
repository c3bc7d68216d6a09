import { hooksOf, planConfig } from '@l3af/bpf-object';
import {
  cannot,
  defaultProceedOn,
  L3afError,
  verdictsOf,
  type ConfigValue,
  type DesiredKf,
  type Hook,
  type KfDocument,
  type ObjectSchema,
  type PackageReference,
  type PackageVersionView,
  type PackageView,
} from '@l3af/contracts';

/** A KF of a document with the version of the package that it names, and what is inside that. */
export interface ResolveInput {
  document: KfDocument;
  version: PackageVersionView;
  schema: ObjectSchema;
  hook: Hook;
}

/** Turns what a person wrote into what a node needs, or says what is wrong with it. */
export function resolveKf({ document, version, schema, hook }: ResolveInput): DesiredKf {
  const name = document.name ?? instanceNameOf(version.name);
  const kf: DesiredKf = {
    name,
    package: version.name,
    version: version.version,
    digest: version.digest,
    program: chooseProgram(document, { version, schema, hook, name }),
    enabled: document.enabled,
    proceedOn: chooseProceedOn(document.proceedOn, hook, name),
    config: document.config,
    state: document.state,
    ...(document.migrate && { migrate: document.migrate }),
  };
  checkConfig(kf, schema);
  return kf;
}

/** A package name may have slashes, an instance name may not: its last part is what people call it. */
const instanceNameOf = (packageName: string): string => packageName.slice(packageName.lastIndexOf('/') + 1);

/**
 * The version that a reference names: the digest, the tag, or the newest that is not yanked. A yanked one may stay
 * where the chain runs it already: `running` has its digests.
 */
export function chooseVersion(
  reference: PackageReference,
  view: PackageView | null,
  running: ReadonlySet<string> = new Set(),
): PackageVersionView {
  if (!view || view.versions.length === 0) {
    throw new L3afError('unknown-package', cannot('use', 'package', reference.name, 'there is none'));
  }
  const text = [reference.name, reference.version ?? reference.digest].filter(Boolean).join('@');
  if (reference.version === undefined && reference.digest === undefined) {
    const newest = view.versions.find((version) => version.yanked === null);
    if (newest) return newest;
    throw new L3afError('package-yanked', cannot('use', 'package', text, 'all its versions are yanked'));
  }
  const matching = view.versions.filter(
    (version) => version.digest === reference.digest || version.version === reference.version,
  );
  const found = matching.find((version) => version.yanked === null) ?? matching[0];
  if (!found) {
    const versions = view.versions.map(({ version }) => version);
    const state = `there is no such version, there are ${versions.slice(0, 10).join(', ')}`;
    throw new L3afError('unknown-version', cannot('use', 'package', text, state), { details: { versions } });
  }
  if (found.yanked !== null && !running.has(found.digest)) {
    throw new L3afError('package-yanked', cannot('use', 'package', text, `it is yanked: ${found.yanked}`));
  }
  return found;
}

interface ProgramChoice {
  version: PackageVersionView;
  schema: ObjectSchema;
  hook: Hook;
  name: string;
}

function chooseProgram({ program }: KfDocument, { version, schema, hook, name }: ProgramChoice): string {
  const text = `${version.name}@${version.version}`;
  const { programs } = schema;
  const fitting = programs.filter((candidate) => hooksOf(candidate).includes(hook));
  const details = { instance: name, hook, programs: programs.map((candidate) => candidate.name) };
  if (program !== undefined) {
    const named = programs.find((candidate) => candidate.name === program);
    if (!named) {
      const state = `package ${text} has ${details.programs.join(', ') || 'none'}`;
      throw new L3afError('unknown-program', cannot('find', 'program', program, state), { details });
    }
    if (fitting.includes(named)) return program;
    const state = `it is of type ${named.type ?? 'unknown'}, needs one for ${hook}`;
    throw new L3afError('wrong-program-type', cannot('use', 'program', program, state), { details });
  }
  if (fitting.length === 1) return fitting[0]!.name;
  if (fitting.length === 0) {
    const have = programs.map((candidate) => `${candidate.name} (${candidate.type ?? 'any'})`).join(', ');
    const state = `it has ${have || 'no programs'}, needs one for ${hook}`;
    throw new L3afError('wrong-program-type', cannot('use', 'package', text, state), { details });
  }
  const state = `it has ${fitting.length} programs for ${hook}: ${fitting.map((p) => p.name).join(', ')}`;
  throw new L3afError('ambiguous-program', cannot('use', 'package', text, state), { details });
}

function chooseProceedOn(asked: string[] | undefined, hook: Hook, name: string): string[] {
  if (asked === undefined) return defaultProceedOn(hook);
  const known = Object.keys(verdictsOf(hook));
  const verdicts = [...new Set(asked.map((verdict) => verdict.toUpperCase()))];
  const wrong = verdicts.find((verdict) => !known.includes(verdict));
  // The default in another order is the default: it must not make a new revision.
  const usual = defaultProceedOn(hook);
  const isUsual = verdicts.length === usual.length && usual.every((verdict) => verdicts.includes(verdict));
  if (wrong === undefined) return isUsual ? usual : verdicts;
  const state = `${hook} has ${known.join(', ')}`;
  throw new L3afError('invalid-document', cannot('proceed on', 'verdict', wrong, state), {
    details: { instance: name, verdict: wrong, verdicts: known },
  });
}

/** Refuses a configuration that the object cannot take. */
export function checkConfig(kf: DesiredKf, schema: ObjectSchema): void {
  try {
    planConfig(schema, kf.config);
  } catch (error) {
    if (!(error instanceof L3afError)) throw error;
    // "Cannot use config.rate_limit: …" becomes "Cannot configure KF "limit": config.rate_limit: …".
    const state = error.message.replace(/^Cannot use /, '');
    throw new L3afError(error.code, cannot('configure', 'KF', kf.name, state), {
      hint: error.hint,
      details: { ...error.details, instance: kf.name },
    });
  }
}

/** Lays a change over a configuration: named values replace, null goes back to the object's own value. */
export function mergeConfig(
  config: Record<string, ConfigValue>,
  change: Record<string, ConfigValue>,
): Record<string, ConfigValue> {
  const merged = { ...config, ...change };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}
