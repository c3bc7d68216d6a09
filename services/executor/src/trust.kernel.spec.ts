import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { labelsSubject, type TrustChanged, trustSubject } from '@l3af/contracts';
import { attachReferrer, cosignPredicate, generateSigningKey, keyIdOf, mediaTypes } from '@l3af/oci';
import { createKeylessAuthority, type KeylessAuthority, waitFor } from '@l3af/testing';
import { Trust } from './artifact/trust';
import { NodeFixture, Servers } from './testing/node-fixture';

const dropAll = `SEC("xdp") int drop_all(struct xdp_md *ctx) { return XDP_DROP; }`;
const issuer = 'https://ci.example.org';

describe('trust', () => {
  let servers: Servers;
  let node: NodeFixture;
  beforeAll(async () => (servers = await Servers.start()));
  afterAll(() => servers.stop());
  beforeEach(() => {
    node = new NodeFixture(servers);
  });
  afterEach(async () => {
    await node.stop();
    for (const group of ['default', 'edge']) await setTrust({ group });
  });

  const setTrust = (data: Partial<TrustChanged['data']> & { group: string }) =>
    servers.bus.store.append({
      subject: trustSubject(data.group),
      events: [{ type: 'TrustChanged', version: 1, data: { signers: [], revoked: [], ...data } }],
      actor: 'test',
    });
  const reported = async (type: string) =>
    waitFor(async () => (await node.reports(node.chainKey())).find((one) => one.type === type), type);
  const drops = (): boolean =>
    /"xdp"/.test(node.pair.run('node', 'ip', '-j', 'link', 'show', 'dev', node.pair.name));

  describe('of groups', () => {
    const key = generateSigningKey();
    const signers = [{ name: 'edge team', publicKey: key.publicKey, packages: ['edge/*'] }];
    const desireEdge = async () =>
      node.desire(node.chainKey(), [
        await node.publish('edge/drop', dropAll, { signedWith: key.privateKey }),
      ]);

    it('counts on nodes of the group, by their own labels, and until it is revoked', async () => {
      await setTrust({ group: 'edge', signers });
      node.settings.labels = { group: 'edge' };
      node.startExecutor();
      await node.reported(node.chainKey(), await desireEdge(), 'ChainApplied');
      expect(drops()).toBe(true);
      await setTrust({ group: 'edge', signers, revoked: [keyIdOf(key.publicKey)] });
      expect((await reported('KfUnhealthy')).data).toMatchObject({
        detail: expect.stringMatching(/no longer trusted/) as string,
      });
    });

    it('counts on no other node, until the control plane puts it into the group', async () => {
      await setTrust({ group: 'edge', signers });
      node.startExecutor();
      const sequence = await desireEdge();
      const refused = await node.reported(node.chainKey(), sequence, 'ChainRejected');
      expect(refused.data.error).toMatchObject({ code: 'signature-untrusted' });
      await servers.bus.store.append({
        subject: labelsSubject(node.name),
        events: [{ type: 'NodeLabelled', version: 1, data: { node: node.name, labels: { group: 'edge' } } }],
        actor: 'test',
      });
      await reported('ChainApplied');
      expect(drops()).toBe(true);
    });

    it('is remembered for a start without the control plane', async () => {
      await setTrust({ group: 'default', signers: [{ ...signers[0]!, packages: [] }] });
      node.startExecutor();
      await node.reported(node.chainKey(), await desireEdge(), 'ChainApplied');
      await node.stopExecutor();
      const remembered = join(node.settings.cacheDir, 'trust.json');
      const trust = new Trust({ own: undefined, remembered, changed: () => undefined });
      expect(trust.trusted().signers.map(({ name }) => name)).toEqual(['edge team']);
    });
  });

  describe('in identities', () => {
    let authority: KeylessAuthority;
    beforeAll(async () => (authority = await createKeylessAuthority()));

    const publishAs = async (identity: string) => {
      // Of its own name: what one test attaches, another would find.
      const kf = await node.publish(`keyless-${node.name}`, dropAll, { signedWith: null });
      const statement = {
        _type: 'https://in-toto.io/Statement/v1',
        subject: [{ digest: { sha256: kf.digest.slice('sha256:'.length) } }],
        predicateType: cosignPredicate,
        predicate: {},
      };
      const bundle = await authority.bundle(Buffer.from(JSON.stringify(statement)), { identity, issuer });
      const bytes = Buffer.from(JSON.stringify(bundle));
      const artifactType = mediaTypes.sigstoreBundle;
      await attachReferrer(servers.client, kf.package, kf.digest, { artifactType, bytes });
      return kf;
    };
    const trust = () => ({
      identities: [
        { name: 'pipeline', identity: 'https://ci.example.org/kf/*', issuer, root: 'ours', packages: [] },
      ],
      trustedRoots: [{ name: 'ours', root: authority.trustedRoot }],
    });

    it('loads what a certificate of a trusted root signed, and nobody else', async () => {
      await setTrust({ group: 'default', ...trust() });
      node.startExecutor();
      const kf = await publishAs('https://ci.example.org/kf/release');
      await node.reported(node.chainKey(), await node.desire(node.chainKey(), [kf]), 'ChainApplied');
      expect(drops()).toBe(true);
      await setTrust({ group: 'default', ...trust(), revoked: ['https://ci.example.org/kf/release'] });
      await reported('KfUnhealthy');
    });

    it('refuses another identity, and says whose it is', async () => {
      await setTrust({ group: 'default', ...trust() });
      node.startExecutor();
      const kf = await publishAs('https://ci.example.org/other/release');
      const sequence = await node.desire(node.chainKey(), [kf]);
      const { data } = await node.reported(node.chainKey(), sequence, 'ChainRejected');
      expect(data.error.code).toBe('signature-untrusted');
      expect(data.error.message).toMatch(/"https:\/\/ci\.example\.org\/other\/release" of issuer/);
    });

    it("comes from the node's own file, too", async () => {
      const file = join(node.folder, 'trust.json');
      writeFileSync(file, JSON.stringify(trust()));
      node.settings.trustedKeys = file;
      node.startExecutor();
      const kf = await publishAs('https://ci.example.org/kf/release');
      await node.reported(node.chainKey(), await node.desire(node.chainKey(), [kf]), 'ChainApplied');
      expect(drops()).toBe(true);
    });
  });
});
