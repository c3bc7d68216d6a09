import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileBpf, createVethPair, needsFeature, skipUnless, type VethPair } from '@l3af/testing';
import { hookFixture, kfLoad, rounds, u32, xdpDrop, xdpPass } from '../../chain/chain-fixture';
import { pinObject, removeFolder, withPin } from '../../bpf/pin';
import { perform, type CrashJob } from '../../chain/crash-child';
import { startCrashRunner } from '../../chain/crash-runner';
import { joinedPath } from '../../generation/paths';
import { freplaceOutcome } from '../../features/freplace';
import { atLeast } from '../../features/kernel';
import {
  detach,
  loadGeneration,
  observeHook,
  openKfMap,
  readCounters,
  releaseHook,
  removeGeneration,
  removeInstance,
  setEnabled,
  swapTo,
  type HookTarget,
} from '../../index';
import { countingIpv4, loaderPath, Others } from '../../testing/dispatcher-others';
import { crashPoints } from '../../testing/crash-points';
import { dispatcherFolders } from './read';

const passing = compileBpf(countingIpv4(xdpPass));
const dropping = compileBpf(countingIpv4(xdpDrop));
const found = freplaceOutcome();
const run =
  loaderPath === undefined
    ? skipUnless(false, 'needs xdp-loader (xdp-tools)')
    : needsFeature({ name: 'freplace programs', since: '5.10', found });

/** Kernels on which a function of libxdp's dispatcher before 1.5.5 takes no program that tail-calls. */
const needsNewDispatcher = atLeast('6.12');

interface World {
  pair: VethPair;
  target: HookTarget;
  others: Others;
}

const foldersOf = (target: HookTarget) =>
  dispatcherFolders().filter(({ ifindex }) => ifindex === target.ifindex);

/** Made in the test and not around it: hooks do not run for a test that is skipped. */
async function inWorld(by: 'xdp-loader' | 'libxdp', body: (world: World) => Promise<void>): Promise<void> {
  using pair = createVethPair({ prefix: 'l3afk' });
  const { target } = hookFixture(pair, 'xdp', { dispatcher: { priority: 40 } });
  const others = new Others(pair, target, by);
  try {
    await body({ pair, target, others });
    expect(observeHook(target)).toMatchObject({ attached: false, joined: false, generations: [] });
    expect(foldersOf(target)).toEqual([]);
  } finally {
    foldersOf(target).forEach(({ path }) => removeFolder(path)); // the next interface may have the same number
    removeInstance(target.instance);
    others.stop();
  }
}

const load = (target: HookTarget, generation: number, kfs: Record<string, Buffer>) =>
  loadGeneration(target, {
    generation,
    metadata: String(generation),
    kfs: Object.entries(kfs).map(([name, object]) => kfLoad(name, object)),
  });

function seen(target: HookTarget, generation: number, kf: string): number {
  using map = openKfMap(target, generation, { kf, map: 'seen' });
  return Number(Buffer.from(map.lookup(u32(0)) ?? []).readBigUInt64LE(0));
}

const worlds = needsNewDispatcher ? (['libxdp'] as const) : (['xdp-loader'] as const);

describe.each(worlds)('a chain among the programs of a libxdp dispatcher, others by %s', (by) => {
  run('runs in its place, is replaced atomically, and leaves the others as they were', () =>
    inWorld(by, async ({ pair, target, others }) => {
      others.load('first_kf', 'second_kf');
      await load(target, 1, { a: passing, b: passing });
      expect(swapTo(target, 1)).toMatchObject({ mode: 'native', firstAttach: true });
      expect(others.names()).toEqual(['first_kf', 'l3af_chain', 'second_kf']);
      expect(observeHook(target)).toMatchObject({ attached: true, joined: true, mode: 'native', drift: [] });
      expect(observeHook(target).foreign[0]?.dispatcher?.programs[1]).toMatchObject({
        priority: 40,
        proceedOn: [xdpPass],
      });
      pair.sendUdp('peer', { count: 3 });
      expect([others.seen('first_kf'), seen(target, 1, 'b'), others.seen('second_kf')]).toEqual([3, 3, 3]);

      await load(target, 2, { a: passing, d: dropping });
      expect(swapTo(target, 2)).toMatchObject({ firstAttach: false });
      pair.sendUdp('peer', { count: 2 });
      expect([others.seen('first_kf'), seen(target, 2, 'd'), others.seen('second_kf')]).toEqual([5, 2, 3]);
      expect(readCounters(target, 2).broken).toBe(0);
      expect(readCounters(target, 2).kfs[1]?.verdicts.DROP).toBeGreaterThanOrEqual(2);
      setEnabled(target, 2, { kf: 'd', enabled: false });
      setEnabled(target, 2, { kf: 'a', enabled: false });
      pair.sendUdp('peer', { count: 2 });
      expect([others.seen('first_kf'), others.seen('second_kf')]).toEqual([7, 5]);
      expect(observeHook(target)).toMatchObject({ live: { generation: 2 }, drift: [] });

      detach(target);
      expect(others.names()).toEqual(['first_kf', 'second_kf']);
      pair.sendUdp('peer', { count: 2 });
      expect([others.seen('first_kf'), others.seen('second_kf')]).toEqual([9, 7]);
      others.unload('first_kf', 'second_kf');
    }),
  );

  if (found !== true || loaderPath === undefined) return; // one skipped test stands for all of them

  run('stays while others come and go, and is found again', () =>
    inWorld(by, async ({ pair, target, others }) => {
      others.load('first_kf');
      await load(target, 1, { a: passing });
      swapTo(target, 1);
      others.load('third_kf');
      expect(others.names()).toEqual(['third_kf', 'first_kf', 'l3af_chain']);
      expect(observeHook(target)).toMatchObject({ joined: true, live: { generation: 1 }, drift: [] });
      await load(target, 2, { b: passing });
      expect(swapTo(target, 2)).toMatchObject({ firstAttach: false });
      others.unload('first_kf');
      pair.sendUdp('peer', { count: 4 });
      expect([others.seen('third_kf'), seen(target, 2, 'b')]).toEqual([4, 4]);
      others.unload('third_kf');
      expect(others.names()).toEqual(['l3af_chain']);
      pair.sendUdp('peer', { count: 1 });
      expect(seen(target, 2, 'b')).toBe(5);
      detach(target);
    }),
  );

  run('comes onto an empty hook in a dispatcher that others may join', () =>
    inWorld(by, async ({ pair, target, others }) => {
      await load(target, 1, { a: passing });
      expect(swapTo(target, 1)).toMatchObject({ mode: 'native', firstAttach: true });
      others.load('second_kf');
      pair.sendUdp('peer', { count: 2 });
      expect([seen(target, 1, 'a'), others.seen('second_kf')]).toEqual([2, 2]);
      detach(target);
      expect(others.names()).toEqual(['second_kf']);
      others.unload('second_kf');
    }),
  );

  run('leaves nothing where its interface goes, with or without a name', () =>
    inWorld(by, async ({ pair, target }) => {
      const ip = (...words: string[]) => pair.run('node', 'ip', 'link', ...words);
      await load(target, 1, { a: passing });
      swapTo(target, 1);
      ip('set', pair.name, 'down');
      ip('set', pair.name, 'name', 'other0');
      releaseHook(target, target.netns);
      expect(observeHook(target)).toMatchObject({ attached: false, foreign: [] });
      await load(target, 1, { a: passing });
      swapTo(target, 1);
      ip('delete', 'other0');
      releaseHook(target, target.netns);
    }),
  );

  run('loses no packet while generations are swapped', () =>
    inWorld(by, async ({ pair, target, others }) => {
      others.load('first_kf', 'second_kf');
      await load(target, 1, { a: passing, b: passing });
      swapTo(target, 1);
      const count = rounds('L3AF_PACKETS', 200_000) / 10;
      const sender = spawnSender(pair, count);
      let generation = 1;
      for (let open = true; open && generation < 30;) {
        generation++;
        await load(target, generation, { a: passing, [`kf${generation}`]: passing, b: passing });
        swapTo(target, generation);
        removeGeneration(target, generation - 1);
        open = sender.exitCode === null;
      }
      if (sender.exitCode === null) await once(sender, 'exit');
      expect(sender.exitCode).toBe(0);
      expect(generation).toBeGreaterThan(3);
      // `a` and `b` keep their maps: whatever generation a packet saw, each counted it once.
      expect([
        others.seen('first_kf'),
        seen(target, generation, 'a'),
        seen(target, generation, 'b'),
        others.seen('second_kf'),
      ]).toEqual([count, count, count, count]);
      detach(target);
      others.unload('first_kf', 'second_kf');
    }),
  );

  run('is put back where somebody took it out', () =>
    inWorld(by, async ({ pair, target, others }) => {
      others.load('first_kf');
      await load(target, 1, { a: passing });
      swapTo(target, 1);
      pair.run('node', loaderPath ?? '', 'unload', '--all', pair.name);
      others.load('first_kf');
      expect(observeHook(target)).toMatchObject({
        attached: false,
        joined: false,
        drift: [{ kind: 'detached' }],
      });
      // A process that died within libxdp leaves a dispatcher that never came onto the hook.
      const stale = `/sys/fs/bpf/xdp/dispatch-${target.ifindex}-4000000000/prog0-prog`;
      withPin(joinedPath(target), (fd) => pinObject(fd, stale));
      expect(swapTo(target, 1)).toMatchObject({ firstAttach: true });
      expect(foldersOf(target)).toHaveLength(1);
      expect(others.names()).toEqual(['first_kf', 'l3af_chain']);
      pair.sendUdp('peer', { count: 2 });
      expect([others.seen('first_kf'), seen(target, 1, 'a')]).toEqual([2, 2]);
      detach(target);
      others.unload('first_kf');
    }),
  );

  run('leaves the others running, and can be completed, wherever it is killed', () =>
    inWorld(by, async ({ target, others }) => {
      const runner = startCrashRunner();
      const folder = mkdtempSync(join(tmpdir(), 'l3af-join-'));
      const path = join(folder, 'kf.o');
      writeFileSync(path, passing);
      const { object: _bytes, writes: _writes, constants: _constants, ...kf } = kfLoad('a', passing);
      const join1: CrashJob['change'] = { kind: 'apply', generation: 1, kfs: [{ ...kf, path }] };
      const leave: CrashJob['change'] = { kind: 'detach' };
      try {
        others.load('first_kf');
        for (const [change, back, after] of [
          [join1, leave, ['first_kf', 'l3af_chain']],
          [leave, join1, ['first_kf']],
        ] as const) {
          for (const { killAfter, operation } of await crashPoints(
            { target, change },
            /root|joined|dispatcher/,
          )) {
            await perform({ target, change: back });
            expect(await runner.run({ target, change, killAfter })).toEqual({ killed: true, operation });
            expect({ operation, names: others.names() }).toEqual({
              operation,
              names: expect.arrayContaining(['first_kf']),
            });
            await perform({ target, change });
            expect({ operation, names: others.names() }).toEqual({ operation, names: after });
            expect(observeHook(target)).toMatchObject({ joined: after.length > 1, drift: [] });
            expect(foldersOf(target)).toHaveLength(1);
          }
        }
        others.unload('first_kf');
      } finally {
        await runner.stop();
        rmSync(folder, { recursive: true });
      }
    }),
  );
});

if (found === true && needsNewDispatcher) {
  run('a dispatcher that takes no tail calls is left as it is, and the refusal says why', () =>
    inWorld('xdp-loader', async ({ target, others }) => {
      others.load('first_kf');
      const apply = async () => {
        await load(target, 1, { a: passing });
        swapTo(target, 1);
      };
      await expect(apply()).rejects.toThrow(/needs libxdp 1.5.5/);
      expect(others.names()).toEqual(['first_kf']);
      detach(target);
      others.unload('first_kf');
    }),
  );
}

function spawnSender(pair: VethPair, count: number) {
  const code = `
    const socket = require('node:dgram').createSocket('udp4');
    let left = ${count};
    const next = () => (left-- > 0 ? socket.send('l3af', 4000, '${pair.address4}', next) : socket.close());
    next();`;
  return spawn('nsenter', [`--net=${pair.peerPath}`, process.execPath, '-e', code], { stdio: 'ignore' });
}
