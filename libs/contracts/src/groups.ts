import type { PolicyChanged, TrustChanged, TrustedIdentity, TrustedRoot, TrustedSigner } from './node.events';

/** The group that every node belongs to. */
export const defaultGroup = 'default';
/** The label that says which other groups a node belongs to: one, or several with spaces or commas between. */
const groupLabel = 'group';

/** The groups of a node with these labels; `default` is the first. */
export function groupsOf(labels: Record<string, string>): string[] {
  const named = (labels[groupLabel] ?? '').split(/[\s,]+/).filter((group) => group !== '');
  return [...new Set([defaultGroup, ...named])];
}

/** Whose signatures count: keys, and identities whose certificates are held against roots. */
export interface Trusted {
  signers: readonly TrustedSigner[];
  identities?: readonly TrustedIdentity[] | undefined;
  trustedRoots?: readonly TrustedRoot[] | undefined;
  /** Ids of keys, and identities, that count no more whoever names them. */
  revoked?: readonly string[] | undefined;
}

/**
 * Whom a node of these groups trusts: those of its own, and whom any of its groups trusts; nobody whom any of them
 * revokes. `groups` is what those of its groups were told that were told anything.
 */
export function combineTrust(own: readonly Trusted[], groups: readonly TrustChanged['data'][]): Trusted {
  const all = [
    ...own.map((trusted, index) => scoped(`own-${index + 1}`, trusted)),
    ...groups.map((trusted) => scoped(trusted.group, trusted)),
  ];
  return {
    signers: all.flatMap(({ signers }) => signers),
    identities: all.flatMap(({ identities = [] }) => identities),
    trustedRoots: all.flatMap(({ trustedRoots = [] }) => trustedRoots),
    revoked: [...own, ...groups].flatMap(({ revoked = [] }) => revoked),
  };
}

/** Names of roots are each list's own: one group's "ours" must not vouch for another group's people. */
function scoped(scope: string, { signers, identities = [], trustedRoots = [] }: Trusted): Trusted {
  const named = (name: string): string => `${scope}/${name}`;
  return {
    signers,
    identities: identities.map((one) => ({ ...one, root: named(one.root) })),
    trustedRoots: trustedRoots.map(({ name, root }) => ({ name: named(name), root })),
  };
}

/**
 * What a node of several groups goes by: the policy of the last of them that has one, whole. `policies` are those of
 * its groups that have one, in the order of {@link groupsOf}.
 */
export const policyOf = (policies: readonly PolicyChanged['data'][]): PolicyChanged['data'] | undefined =>
  policies.at(-1);
