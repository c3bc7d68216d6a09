import {
  cannot,
  type DesiredKf,
  type Hook,
  kernelSeries,
  L3afError,
  type NodeView,
  type StatedVerification,
  type VerifiedProgram,
  type WireError,
} from '@l3af/contracts';

interface Target {
  /** All that is stated of the version; what no trusted key signed does not count. */
  statements: readonly StatedVerification[];
  hook: Hook;
  node: Pick<NodeView, 'name' | 'kernel' | 'architecture'>;
}

/** What is known of a KF on a node's kernel, when it is not refused there. */
export type Verdict =
  | { verified: true; warning?: string }
  /** Nobody who is trusted has said anything about this kernel. */
  | { verified: false; warning: string };

/**
 * Refuses a KF that the node's kernel is known to refuse: `verification-failed` with that kernel's reason. Says what to
 * warn about when nobody knows, or when the packet tests fail there. Kernels are the same when major and minor number
 * are; of several, the node's own release counts, then one that loads it.
 */
export function checkVerified(kf: DesiredKf, { statements, hook, node }: Target): Verdict {
  const text = `${kf.package}@${kf.version}`;
  const about = statements.filter((one) => isAbout(one, node));
  const known = about.filter(({ signer }) => signer !== null);
  const statement =
    known.find(({ kernel }) => kernel === node.kernel) ??
    known.find((one) => refusalOf(one, kf.program, hook) === undefined) ??
    known[0];
  if (!statement) {
    const strangers =
      about.length > 0 ? `; ${about.length} statements by keys that are not trusted do not count` : '';
    const warning = `${text} was not verified on kernel ${node.kernel} of node ${node.name}${strangers}`;
    return { verified: false, warning };
  }
  const refusal = refusalOf(statement, kf.program, hook);
  if (refusal) throw refused(kf, { statement, refusal, node: node.name });
  const { failed } = statement.tests;
  if (failed === 0) return { verified: true };
  return {
    verified: true,
    warning: `${text}: ${failed} of its packet tests fail on kernel ${statement.kernel}`,
  };
}

const isAbout = ({ kernel, architecture }: StatedVerification, node: Target['node']): boolean =>
  architecture === node.architecture && kernelSeries(kernel) === kernelSeries(node.kernel);

/** To the verifier, both directions of TC are one. */
const typeOf = (hook: Hook): string => (hook === 'xdp' ? 'xdp' : 'tc');

/** The kernel's reason, when it refused this program for this hook; of a statement without programs, any reason. */
function refusalOf(
  { loaded, error, programs }: StatedVerification,
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
  statement: StatedVerification;
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
    ...(statement.signer && { signer: statement.signer.name }),
    ...refusal.details,
  };
  const value = `${kf.package}@${kf.version}`;
  return new L3afError('verification-failed', cannot('deploy', 'package', value, state), { details });
}
