import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trustSubject, type TrustChanged } from '@l3af/contracts';
import { generateSigningKey, keyIdOf } from '@l3af/oci';
import { createKeylessAuthority } from '@l3af/testing';
// eslint-disable-next-line @nx/enforce-module-boundaries -- specs run against the real API, not a stand-in
import { useControlPlane } from '../../../deploy-api/src/testing/use-control-plane';
import { capture } from '../testing/captured';

const plane = useControlPlane();
const key = generateSigningKey('ed25519');
const [identity, issuer] = ['https://ci.example.org/*', 'https://ci.example.org'];
let folder: string;
const at = (name: string): string => join(folder, name);
const l3af = (...args: string[]) => capture([...args, '--api', plane.url]);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'l3af-cli-trust-'));
  writeFileSync(at('ann.pub'), key.publicKey);
  writeFileSync(at('private.pem'), key.privateKey);
  writeFileSync(at('other.pub'), generateSigningKey().publicKey);
  writeFileSync(at('sigstore.json'), JSON.stringify((await createKeylessAuthority()).trustedRoot));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function trustOf(group: string): Promise<TrustChanged['data'] | undefined> {
  const [event] = (await plane.bus.store.last(trustSubject(group)))?.events ?? [];
  return event?.type === 'TrustChanged' ? event.data : undefined;
}

test('keys are trusted, revoked, restored and removed', async () => {
  const trust = (...args: string[]) => l3af('trust', ...args, '--group', 'keys');
  const none = await trust('show');
  expect(none.code).toBe(1);
  expect(none.stderr).toContain('`l3af trust add NAME --key FILE --group keys` trusts somebody');
  const add = () => trust('add', 'ann', '--key', at('ann.pub'), '--packages', 'team/*', 'firewall');
  expect(await add()).toMatchObject({ code: 0, stderr: 'nodes hear of it within 15 seconds\n' });
  expect((await add()).stderr).toBe('it was so already\n');
  expect(await trustOf('keys')).toEqual({
    ...{ group: 'keys', revoked: [] },
    signers: [{ name: 'ann', publicKey: key.publicKey, packages: ['team/*', 'firewall'] }],
  });
  expect((await trust('show')).stdout).toContain(keyIdOf(key.publicKey).slice(0, 8));

  await trust('revoke', 'ann');
  expect((await trustOf('keys'))?.revoked).toEqual([keyIdOf(key.publicKey)]);
  expect((await add()).stderr).toContain(`--undo\` takes the revocation back`);
  await trust('revoke', 'ann', '--undo');
  expect((await trustOf('keys'))?.revoked).toEqual([]);
  const removed = await trust('remove', 'ann', '-o', 'json');
  expect(JSON.parse(removed.stdout)).toMatchObject({ group: 'keys', signers: [], changed: true });
});

test('identities are trusted with a root, which goes with the last of them', async () => {
  const trust = (...args: string[]) => l3af('trust', ...args, '--group', 'people');
  const who = ['--identity', identity, '--issuer', issuer];
  expect((await trust('add', 'ci', ...who)).code).toBe(2);
  expect((await trust('add', 'ci', ...who, '--root', 'sigstore')).stderr).toContain('the group has none');
  expect((await trust('add', 'ci', ...who, '--trusted-root', at('sigstore.json'))).code).toBe(0);
  expect((await trust('add', 'ci-2', ...who, '--root', 'sigstore')).code).toBe(0);
  expect((await trustOf('people'))?.identities).toMatchObject([
    { name: 'ci', identity, issuer, root: 'sigstore', packages: ['*'] },
    { name: 'ci-2', root: 'sigstore' },
  ]);
  await trust('remove', 'ci');
  expect((await trustOf('people'))?.trustedRoots).toHaveLength(1);
  await trust('remove', 'ci-2');
  expect(await trustOf('people')).toEqual({ group: 'people', signers: [], revoked: [] });
});

test('what would trust or revoke somebody else is refused', async () => {
  const trust = (...args: string[]) => l3af('trust', ...args, '--group', 'refusals');
  await trust('add', 'ann', '--key', at('ann.pub'));
  expect((await trust('add', 'ann', '--key', at('other.pub'))).stderr).toContain('has another of this name');
  expect((await trust('add', 'bob', '--key', at('private.pem'))).stderr).toContain('no public key');
  expect((await trust('add', 'bob')).code).toBe(2);
  const misspelt = await trust('revoke', 'anne');
  expect(misspelt.stderr).toContain('has nobody of this name');
  expect(misspelt.stderr).toContain('It has ann');
  expect((await trust('revoke', 'bob@example.org')).code).toBe(0);
  expect((await trust('remove', 'bob')).code).toBe(1);
});

test('changes at one time are all kept', async () => {
  const names = ['a', 'b', 'c'];
  const changes = names.map((name) => l3af('trust', 'revoke', `${name}@example.org`, '--group', 'busy'));
  for (const { code, stderr } of await Promise.all(changes))
    expect({ code, stderr }).toMatchObject({ code: 0 });
  expect([...((await trustOf('busy'))?.revoked ?? [])].sort()).toEqual(
    names.map((name) => `${name}@example.org`),
  );
});

test('policies: what is not named stays', async () => {
  const policy = (...args: string[]) => l3af('policy', ...args, '--group', 'edge');
  expect((await policy('show')).stderr).toContain('`l3af policy set --group edge` sets one');
  expect((await policy('set')).code).toBe(2);
  expect((await policy('set', '--on-drift', 'panic')).code).toBe(2);
  expect((await policy('set', '--on-drift', 'leave')).code).toBe(0);
  expect((await policy('set', '--probation', '60', '--on-unverified', 'verify')).code).toBe(0);
  expect(JSON.parse((await policy('show', '-o', 'json')).stdout)).toEqual({
    ...{ group: 'edge', onDrift: 'leave', onRevokedKey: 'report', probationSeconds: 60 },
    onUnverified: 'verify',
  });
});

test('labels of nodes: others stay', async () => {
  const label = (...args: string[]) => l3af('nodes', 'label', ...args);
  expect((await label('demo-1', 'group=edge', 'note=a=b')).stdout).toBe('demo-1: group=edge note=a=b\n');
  const changed = await label('demo-1', 'rack=7', 'note-', '-o', 'json');
  expect(JSON.parse(changed.stdout)).toEqual({
    ...{ node: 'demo-1', labels: { group: 'edge', rack: '7' }, changed: true },
  });
  expect((await label('demo-1', 'nonsense')).code).toBe(2);
  expect((await label('nope', 'a=b')).stderr).toContain('nope');
});
