import { compileBpf, createVethPair, needsFeature, skipUnless, type VethPair } from '@l3af/testing';
import { countingKf, countingTcKf, hookFixture, kfLoad, u32, xdpPass } from '../chain/chain-fixture';
import { atLeast } from '../features/kernel';
import {
  detach,
  listInterfaces,
  loadGeneration,
  observeHook,
  openKfMap,
  releaseHook,
  removeInstance,
  swapTo,
  type HookTarget,
} from '../index';

const unspec = -1;
const counting = { xdp: compileBpf(countingKf(xdpPass)), tc: compileBpf(countingTcKf(unspec)) };

async function apply(target: HookTarget, generation = 1) {
  const object = target.hook === 'xdp' ? counting.xdp : counting.tc;
  const proceedOn = [target.hook === 'xdp' ? xdpPass : unspec];
  await loadGeneration(target, { generation, metadata: '', kfs: [kfLoad('kf', object, { proceedOn })] });
  return swapTo(target, generation);
}

function seen(target: HookTarget): number {
  using map = openKfMap(target, 1, { kf: 'kf', map: 'seen' });
  return Number(Buffer.from(map.lookup(u32(0)) ?? []).readBigUInt64LE(0));
}

/** The same chain on another interface of the pair's node. */
function onInterface(target: HookTarget, name: string): HookTarget {
  const found = listInterfaces(target.netns).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no interface ${name}`);
  return { ...target, interface: name, ifindex: found.ifindex };
}

const send = (pair: VethPair, to: string, count: number): void => {
  const code = `
    const socket = require('node:dgram').createSocket('udp4');
    let left = ${count};
    const next = () => (left-- > 0 ? socket.send('l3af', 4000, '${to}', next) : socket.close());
    next();`;
  pair.run('peer', process.execPath, '-e', code);
};

/** Whether the kernel can make interfaces of a kind; both are modules that may be missing. */
function canMake(...words: string[]): boolean {
  using pair = createVethPair({ prefix: 'l3afk' });
  try {
    pair.run('node', 'ip', 'link', 'add', ...words.map((word) => word.replace('LINK', pair.name)));
    return true;
  } catch {
    return false;
  }
}

async function withPair(body: (pair: VethPair, target: HookTarget) => Promise<void>): Promise<void> {
  using pair = createVethPair({ prefix: 'l3afk' });
  const { target } = hookFixture(pair);
  try {
    await body(pair, target);
  } finally {
    removeInstance(target.instance);
  }
}

describe('a chain on', () => {
  const hasVlan = canMake('link', 'LINK', 'name', 'probe.1', 'type', 'vlan', 'id', '1');
  const hasBond = canMake('probe0', 'type', 'bond', 'mode', 'balance-rr');
  const runVlan = skipUnless(hasVlan && hasBond, 'needs the kernel modules 8021q and bonding');

  runVlan('a VLAN runs in generic mode, and on TC, for packets of that VLAN alone', () =>
    withPair(async (pair, base) => {
      for (const [side, name, address] of [
        ['node', pair.name, '10.204.0.1/24'],
        ['peer', pair.peerName, '10.204.0.2/24'],
      ] as const) {
        const ip = (...words: string[]) => pair.run(side, 'ip', ...words);
        ip('link', 'add', 'link', name, 'name', `${name}.100`, 'type', 'vlan', 'id', '100');
        ip('address', 'add', address, 'dev', `${name}.100`);
        ip('link', 'set', `${name}.100`, 'up');
      }
      pair.run(
        'peer',
        'ip',
        'neigh',
        'replace',
        '10.204.0.1',
        'lladdr',
        pair.mac,
        'dev',
        `${pair.peerName}.100`,
      );
      const xdp = onInterface(base, `${pair.name}.100`);
      expect(await apply(xdp)).toMatchObject({ mode: 'generic', firstAttach: true });
      const tc = { ...xdp, hook: 'tc-ingress' as const };
      await apply(tc);
      const before = [seen(xdp), seen(tc)] as const;
      send(pair, pair.address4, 7);
      expect([seen(xdp), seen(tc)].every((count, at) => count < (before[at] ?? 0) + 7)).toBe(true);
      send(pair, '10.204.0.1', 5);
      expect(seen(xdp)).toBeGreaterThanOrEqual(before[0] + 5);
      expect(seen(tc)).toBeGreaterThanOrEqual(before[1] + 5);
      expect((await apply(xdp, 2)).firstAttach).toBe(false);
      expect(observeHook(xdp)).toMatchObject({ mode: 'generic', live: { generation: 2 }, drift: [] });
      detach(tc);
      detach(xdp);
      expect(observeHook(xdp)).toMatchObject({ attached: false, foreign: [] });
    }),
  );

  if (hasVlan && hasBond) {
    runVlan('a bond runs natively on its members where the kernel can, and generically where not', () =>
      withPair(async (pair, base) => {
        const ip = (...words: string[]) => pair.run('node', 'ip', ...words);
        ip('link', 'add', 'team0', 'type', 'bond', 'mode', 'active-backup');
        ip('address', 'flush', 'dev', pair.name);
        ip('link', 'set', pair.name, 'down');
        ip('link', 'set', pair.name, 'master', 'team0');
        ip('address', 'add', `${pair.address4}/24`, 'dev', 'team0');
        ip('link', 'set', 'team0', 'up');
        const bond = onInterface(base, 'team0');
        const mode = atLeast('5.15') ? 'native' : 'generic';
        expect(await apply(bond)).toMatchObject({ mode, firstAttach: true });
        send(pair, pair.address4, 5);
        expect(seen(bond)).toBeGreaterThanOrEqual(5);
        expect((await apply(bond, 2)).firstAttach).toBe(false);
        expect(observeHook(bond)).toMatchObject({ mode, live: { generation: 2 }, drift: [] });
        detach(bond);
        expect(observeHook(bond)).toMatchObject({ attached: false, foreign: [] });
      }),
    );
  }

  describe.each([
    { hook: 'xdp', tc: undefined },
    { hook: 'tc-ingress', tc: 'cls_bpf' },
    { hook: 'tc-egress', tc: 'tcx' },
  ] as const)('an interface that is renamed ($hook $tc)', ({ hook, tc }) => {
    const run = tc === 'tcx' ? needsFeature({ name: 'tcx', since: '6.6', found: atLeast('6.6') }) : test;
    const renamed = (target: HookTarget, pair: VethPair, name: string): HookTarget => {
      pair.run('node', 'ip', 'link', 'set', pair.name, 'down');
      pair.run('node', 'ip', 'link', 'set', pair.name, 'name', name);
      pair.run('node', 'ip', 'link', 'set', name, 'up');
      return onInterface(target, name);
    };

    run('is let go under its old name, and free for a chain under its new one', () =>
      withPair(async (pair, base) => {
        const target = { ...base, hook, tc };
        await apply(target);
        const now = renamed(target, pair, 'other0');
        releaseHook(target, target.netns);
        expect(observeHook(now)).toMatchObject({ attached: false, foreign: [], generations: [] });
        expect((await apply(now)).firstAttach).toBe(true);
        expect(observeHook(now)).toMatchObject({ attached: true, foreign: [], drift: [] });
        detach(now);
      }),
    );

    run('is left alone by its old chain when another one takes its name', () =>
      withPair(async (pair, base) => {
        const target = { ...base, hook, tc };
        await apply(target);
        const now = renamed(target, pair, 'other0');
        pair.run('node', 'ip', 'link', 'add', pair.name, 'type', 'veth', 'peer', 'name', 'end0');
        const again = onInterface(target, pair.name);
        expect(swapTo(again, 1).firstAttach).toBe(true);
        expect(observeHook(again)).toMatchObject({ attached: true, drift: [] });
        expect(observeHook(now)).toMatchObject({ attached: false, foreign: [] });
        detach(again);
      }),
    );
  });
});
