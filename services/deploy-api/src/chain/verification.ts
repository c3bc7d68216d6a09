import {
  cannot,
  type DesiredKf,
  type Hook,
  L3afError,
  type NodeView,
  type PackageVersionView,
  type VerifiedProgram,
  type WireError,
} from '@l3af/contracts';

type Verified = PackageVersionView['verified'][number];

interface Target {
  version: PackageVersionView;
  hook: Hook;
  node: Pick<NodeView, 'name' | 'kernel' | 'architecture'>;
}

/**
 * Refuses a KF that the node's kernel is known to refuse: `verification-failed` with that kernel's reason. Says what to
 * warn about when nobody knows, or when the packet tests fail there. Kernels are the same when major and minor number
 * are; of several, the node's own release counts, then one that loads it.
 */
export function checkVerified(kf: DesiredKf, { version, hook, node }: Target): string | undefined {
  const text = `${kf.package}@${kf.version}`;
  const known = version.verified.filter((one) => isOf(one, version, node));
  const statement =
    known.find(({ kernel }) => kernel === node.kernel) ??
    known.find((one) => refusalOf(one, kf.program, hook) === undefined) ??
    known[0];
  if (!statement) return `${text} was not verified on kernel ${node.kernel} of node ${node.name}`;
  const refusal = refusalOf(statement, kf.program, hook);
  if (refusal) throw refused(kf, { statement, refusal, node: node.name });
  const failed = statement.tests?.failed ?? 0;
  return failed === 0
    ? undefined
    : `${text}: ${failed} of its packet tests fail on kernel ${statement.kernel}`;
}

/** Statements count that a signer of the package made: whoever else can push says nothing about it. */
function isOf(
  { kernel, architecture, keyId }: Verified,
  { signers }: PackageVersionView,
  node: Target['node'],
): boolean {
  const isSigner = typeof keyId !== 'string' || signers.includes(keyId);
  return isSigner && architecture === node.architecture && seriesOf(kernel) === seriesOf(node.kernel);
}

const seriesOf = (release: string): string => /^\d+\.\d+/.exec(release)?.[0] ?? release;

/** To the verifier, both directions of TC are one. */
const typeOf = (hook: Hook): string => (hook === 'xdp' ? 'xdp' : 'tc');

/** The kernel's reason, when it refused this program for this hook; of a statement without programs, any reason. */
function refusalOf(
  { loaded, error, programs = [] }: Verified,
  name: string,
  hook: Hook,
): WireError | undefined {
  const unknown: WireError = { code: 'verifier-refused', message: 'it was refused without a reason' };
  const of = (one: VerifiedProgram): boolean =>
    one.name === name && (one.hook === undefined || typeOf(one.hook) === typeOf(hook));
  const found = programs.find(of);
  if (found) return found.loaded ? undefined : (found.error ?? error ?? unknown);
  return loaded || programs.length > 0 ? undefined : (error ?? unknown);
}

interface Refused {
  statement: Verified;
  refusal: WireError;
  node: string;
}

function refused(kf: DesiredKf, { statement, refusal, node }: Refused): L3afError {
  const state = `kernel ${statement.kernel} refuses it: ${refusal.message}`;
  const details = {
    instance: kf.name,
    node,
    kernel: statement.kernel,
    code: refusal.code,
    ...refusal.details,
  };
  const value = `${kf.package}@${kf.version}`;
  return new L3afError('verification-failed', cannot('deploy', 'package', value, state), { details });
}
