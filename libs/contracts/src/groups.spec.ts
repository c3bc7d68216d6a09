import { combineTrust, groupsOf, policyOf } from './groups';
import type { PolicyChanged, TrustChanged } from './node.events';

test.each([
  [{}, ['default']],
  [{ role: 'demo' }, ['default']],
  [{ group: 'edge' }, ['default', 'edge']],
  [{ group: ' edge, canary edge default ' }, ['default', 'edge', 'canary']],
])('the groups of a node with the labels %j are %j', (labels: Record<string, string>, groups) => {
  expect(groupsOf(labels)).toEqual(groups);
});

const told = (
  group: string,
  name: string,
  more: Partial<TrustChanged['data']> = {},
): TrustChanged['data'] => ({
  ...{ group, signers: [{ name, publicKey: name, packages: [] }], revoked: [] },
  ...more,
});

test('whom any group trusts is trusted, and whom any group revokes is revoked', () => {
  const own = { signers: [{ name: 'own', publicKey: 'own', packages: ['*'] }] };
  const trusted = combineTrust(
    [own],
    [told('default', 'ann', { revoked: ['bob'] }), told('edge', 'bob', { revoked: ['own'] })],
  );
  expect(trusted.signers.map(({ name }) => name)).toEqual(['own', 'ann', 'bob']);
  expect(trusted.revoked).toEqual(['bob', 'own']);
});

test("a root of one group does not stand for another group's root of that name", () => {
  const identity = { name: 'ci', identity: '*', issuer: '*', root: 'ours', packages: [] };
  const root = (of: string) => [{ name: 'ours', root: { of } }];
  const { identities, trustedRoots } = combineTrust(
    [{ signers: [], trustedRoots: root('own') }],
    [
      told('default', 'ann', { trustedRoots: root('default') }),
      told('edge', 'bob', { identities: [identity] }),
    ],
  );
  expect(identities?.map((one) => one.root)).toEqual(['edge/ours']);
  expect(trustedRoots?.map(({ name }) => name)).toEqual(['own-1/ours', 'default/ours']);
});

test('of several policies the last counts, whole', () => {
  const policy = (group: string, more: Partial<PolicyChanged['data']> = {}): PolicyChanged['data'] => ({
    ...{ group, onDrift: 'repair', onRevokedKey: 'report', probationSeconds: 1 },
    ...more,
  });
  const verifying = policy('default', { onUnverified: 'verify' });
  expect(policyOf([])).toBeUndefined();
  expect(policyOf([verifying])).toBe(verifying);
  expect(policyOf([verifying, policy('edge')])?.onUnverified).toBeUndefined();
});
