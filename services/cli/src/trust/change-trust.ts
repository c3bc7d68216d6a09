import { isDeepStrictEqual } from 'node:util';
import { L3afError, cannot, type TrustChanged, type TrustedRoot } from '@l3af/contracts';
import { keyIdOf } from '@l3af/oci';

export type Trust = TrustChanged['data'];

/** Somebody to trust by a name. */
export interface NewSigner {
  name: string;
  packages: string[];
  /** SPKI PEM. */
  publicKey: string;
}
export interface NewIdentity {
  name: string;
  packages: string[];
  identity: string;
  issuer: string;
  /** The name of its root, and the root itself where it is not there yet. */
  root: string;
  document?: TrustedRoot['root'];
}

/** With a signer more, or with other packages for one that is there. A name stands for one key for ever. */
export function withSigner(trust: Trust, signer: NewSigner): Trust {
  const { name, publicKey, packages } = signer;
  const same = trust.signers.find((one) => one.name === name);
  const isTaken = trust.identities?.some((one) => one.name === name);
  if (isTaken || (same && keyIdOf(same.publicKey) !== keyIdOf(publicKey))) throw taken(trust, name);
  refuseRevoked(trust, keyIdOf(publicKey));
  const others = trust.signers.filter((one) => one !== same);
  return { ...trust, signers: [...others, { name, publicKey, packages }] };
}

/** As {@link withSigner}, of somebody who signs with certificates. */
export function withIdentity(trust: Trust, added: NewIdentity): Trust {
  const { document, ...identity } = added;
  const { identities = [], signers } = trust;
  const same = identities.find(({ name }) => name === identity.name);
  const isOther = same && (same.identity !== identity.identity || same.issuer !== identity.issuer);
  if (isOther || signers.some(({ name }) => name === identity.name)) throw taken(trust, identity.name);
  refuseRevoked(trust, identity.identity);
  return {
    ...trust,
    identities: [...identities.filter((one) => one !== same), identity],
    trustedRoots: withRoot(trust, identity.root, document),
  };
}

function withRoot({ trustedRoots = [] }: Trust, name: string, root?: TrustedRoot['root']): TrustedRoot[] {
  const there = trustedRoots.find((one) => one.name === name);
  if (there && root && !isDeepStrictEqual(there.root, root))
    throw new L3afError('conflict', cannot('add', 'root', name, 'another one has this name'), {
      hint: 'Give the new one another name: --root NAME',
    });
  if (there) return trustedRoots;
  if (root) return [...trustedRoots, { name, root }];
  throw new L3afError('unknown-object', cannot('use', 'root', name, 'the group has none'), {
    hint: 'Name its file: --trusted-root FILE',
  });
}

/** Without whoever has the name; roots that nobody uses then go along. */
export function without(trust: Trust, name: string): Trust {
  const { identities = [], trustedRoots = [], signers } = trust;
  const left = { signers: signers.filter((one) => one.name !== name) };
  const people = identities.filter((one) => one.name !== name);
  if (left.signers.length === signers.length && people.length === identities.length)
    throw unknown('remove', trust, name);
  const gone = identities.filter((one) => one.name === name).map(({ root }) => root);
  const roots = trustedRoots.filter(
    (root) => !gone.includes(root.name) || people.some((one) => one.root === root.name),
  );
  return { ...trust, ...left, identities: people, trustedRoots: roots };
}

/** Revokes a key or an identity, which may be named by its name here; whoever is revoked need not be trusted here. */
export function revoking(trust: Trust, who: string): Trust {
  const revoked = revocable(trust, who);
  return { ...trust, revoked: [...new Set([...trust.revoked, revoked])] };
}

/** Takes a revocation back. */
export function restoring(trust: Trust, who: string): Trust {
  const restored = [who, namedHere(trust, who)];
  const revoked = trust.revoked.filter((one) => !restored.includes(one));
  if (revoked.length < trust.revoked.length) return { ...trust, revoked };
  throw new L3afError(
    'unknown-object',
    cannot('restore', 'signer', who, `${trust.group} does not revoke it`),
  );
}

function namedHere({ signers, identities = [] }: Trust, name: string): string | undefined {
  const signer = signers.find((one) => one.name === name);
  return signer ? keyIdOf(signer.publicKey) : identities.find((one) => one.name === name)?.identity;
}

function revocable(trust: Trust, who: string): string {
  const named = namedHere(trust, who);
  if (named !== undefined) return named;
  // Identities are email addresses or URIs. Anything else is a name that is misspelt, and would revoke nobody.
  if (/^[0-9a-f]{64}$/.test(who) || /[@:]/.test(who)) return who;
  throw unknown('revoke', trust, who);
}

function refuseRevoked({ revoked, group }: Trust, who: string): void {
  if (!revoked.includes(who)) return;
  throw new L3afError('conflict', cannot('trust', 'signer', who, `group ${group} revokes it`), {
    hint: `\`l3af trust revoke ${who} --undo\` takes the revocation back`,
  });
}

const taken = ({ group }: Trust, name: string): L3afError =>
  new L3afError('conflict', cannot('trust', 'signer', name, `group ${group} has another of this name`), {
    hint: `Give it another name, or \`l3af trust remove ${name}\` first`,
  });

function unknown(verb: string, trust: Trust, name: string): L3afError {
  const names = [...trust.signers, ...(trust.identities ?? [])].map((one) => one.name);
  const state = `group ${trust.group} has nobody of this name`;
  return new L3afError('unknown-object', cannot(verb, 'signer', name, state), {
    hint: names.length > 0 ? `It has ${names.join(', ')}` : 'It trusts nobody',
  });
}
