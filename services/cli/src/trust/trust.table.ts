import type { TrustChanged } from '@l3af/contracts';
import { keyIdOf } from '@l3af/oci';
import type { Printer } from '../output/printer';

/** Whom a group trusts: a line each; then whom it revokes. */
export function trustText(trust: TrustChanged['data'], print: Printer): string {
  const { signers, identities = [], revoked } = trust;
  const stateOf = (who: string): string =>
    revoked.includes(who) ? print.style.red('revoked') : print.style.green('trusted');
  const rows = [
    ...signers.map(({ name, publicKey, packages }) => {
      const keyId = keyIdText(publicKey);
      return [name, 'key', keyId, '-', packages.join(' '), stateOf(keyId)];
    }),
    ...identities.map(({ name, identity, issuer, root, packages }) => [
      ...[name, 'identity', identity, `${issuer} (${root})`, packages.join(' '), stateOf(identity)],
    ]),
  ];
  const known = new Set(rows.map(([, , who]) => who));
  const others = revoked.filter((who) => !known.has(who));
  for (const who of others)
    rows.push(['-', /^[0-9a-f]{64}$/.test(who) ? 'key' : 'identity', who, '-', '-', stateOf(who)]);
  if (rows.length === 0) return `group ${trust.group} trusts nobody`;
  return print.table(
    [
      { head: 'name' },
      { head: 'kind' },
      { head: 'who', flexible: true },
      { head: 'issuer', flexible: true },
      { head: 'packages', flexible: true },
      { head: 'state' },
    ],
    rows,
  );
}

/** The id of a key; of one that cannot be read, that. */
function keyIdText(publicKey: string): string {
  try {
    return keyIdOf(publicKey);
  } catch {
    return 'no key that can be read';
  }
}
