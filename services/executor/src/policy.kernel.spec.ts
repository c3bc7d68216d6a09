import { type DesiredKf, type PolicyChanged, policySubject, trustSubject } from '@l3af/contracts';
import { requestNode } from '@l3af/event-store';
import { keyIdOf } from '@l3af/oci';
import { waitFor } from '@l3af/testing';
import { NodeFixture, Servers } from './testing/node-fixture';

const dropAll = `SEC("xdp") int drop_all(struct xdp_md *ctx) { return XDP_DROP; }`;

describe('policy', () => {
  let servers: Servers;
  let node: NodeFixture;
  let filter: DesiredKf;
  beforeAll(async () => (servers = await Servers.start()));
  afterAll(() => servers.stop());
  beforeEach(async () => {
    node = new NodeFixture(servers);
    filter = await node.publish('drop-all', dropAll);
  });
  afterEach(async () => {
    await node.stop();
    await setRevoked([]);
  });

  const setPolicy = (rules: Partial<PolicyChanged['data']>) =>
    node.bus.store.append({
      subject: policySubject('default'),
      events: [
        {
          type: 'PolicyChanged',
          version: 1,
          data: {
            group: 'default',
            onDrift: 'repair',
            onRevokedKey: 'report',
            probationSeconds: 60,
            ...rules,
          },
        },
      ],
      actor: 'test',
    });
  const setRevoked = (revoked: string[]) =>
    node.bus.store.append({
      subject: trustSubject('default'),
      events: [{ type: 'TrustChanged', version: 1, data: { group: 'default', signers: [], revoked } }],
      actor: 'test',
    });
  const reportOf = (type: string) =>
    waitFor(async () => (await node.reports(node.chainKey())).find((one) => one.type === type), type);
  const isAttached = (): boolean =>
    /"xdp"/.test(node.pair.run('node', 'ip', '-j', 'link', 'show', 'dev', node.pair.name));
  const apply = async (kfs = [filter]) =>
    node.reported(node.chainKey(), await node.desire(node.chainKey(), kfs), 'ChainApplied');

  it('leaves drift as it is when the policy says so, until the next revision', async () => {
    await setPolicy({ onDrift: 'leave' });
    node.startExecutor();
    const key = node.chainKey();
    await apply();
    const pin = `/sys/fs/bpf/l3af/${node.settings.instance}/${node.name}/${key.interface}/xdp/link`;
    node.pair.run('node', 'bpftool', 'link', 'detach', 'pinned', pin);
    expect((await reportOf('ChainDrifted')).data).toMatchObject({ action: 'left' });
    // A start reconciles everything that is known: that may not repair it either.
    await node.stopExecutor();
    node.startExecutor();
    const missing = await node.desire(node.chainKey('xdp', 'missing0'), [filter]);
    await node.reported(node.chainKey('xdp', 'missing0'), missing, 'ChainRejected');
    expect(isAttached()).toBe(false);
    await apply([{ ...filter, name: 'again' }]);
    expect(isAttached()).toBe(true);
  });

  it('keeps the previous generation for as long as the policy says, not the settings', async () => {
    await setPolicy({ probationSeconds: 0 });
    node.startExecutor();
    await apply();
    await apply([{ ...filter, name: 'second' }]);
    await waitFor(() => node.generations().length === 1, 'the previous generation to go');
    expect(node.generations()).toEqual(['2']);
  });

  it.each([
    ['report', true],
    ['evict', false],
  ] as const)('%ss a KF whose key was revoked while it runs, once', async (onRevokedKey, stillDrops) => {
    await setPolicy({ onRevokedKey });
    node.startExecutor();
    const key = node.chainKey();
    await apply();
    await setRevoked([keyIdOf(servers.key.publicKey)]);
    const { data } = await reportOf('KfUnhealthy');
    expect(data).toMatchObject({
      kf: 'drop-all',
      detail: expect.stringMatching(/^signed by a key that is no longer trusted/) as string,
    });
    expect(node.pair.run('node', 'ip', 'link', 'show', 'dev', node.pair.name)).toContain('xdp');
    const seenBefore = await packetsDropped();
    node.pair.sendUdp('peer', { port: 4001, count: 20 });
    if (stillDrops) await waitFor(async () => (await packetsDropped()) >= seenBefore + 20, 'the drops');
    else expect(await packetsDropped()).toBe(seenBefore);

    await node.stopExecutor();
    node.startExecutor();
    await setRevoked([]);
    await reportOf('KfRestarted');
    const unhealthy = (await node.reports(key)).filter(({ type }) => type === 'KfUnhealthy');
    expect(unhealthy).toHaveLength(1);
    // What a started executor has to report may be stored before it answers.
    const { back } = await waitFor(async () => ({ back: await packetsDropped() }), 'the executor to answer');
    node.pair.sendUdp('peer', { port: 4001, count: 5 });
    await waitFor(async () => (await packetsDropped()) >= back + 5, 'the KF to drop again');
  });

  const packetsDropped = async (): Promise<number> => {
    const [chain] = await waitFor(
      () => requestNode(node.bus, node.name, 'chains', {}),
      'the executor to answer',
    );
    return chain!.kfs[0]!.verdicts['DROP'] ?? 0;
  };
});
