import { execFileSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { compileBpf, createVethPair, needsFeature } from '@l3af/testing';
import { countingTcKf, hookFixture, kfLoad, u32 } from '../chain/chain-fixture';
import { hasTcx } from '../features/tcx';
import {
  detach,
  inNetns,
  loadGeneration,
  loadPlain,
  observeHook,
  openKfMap,
  readCounters,
  removeInstance,
  setEnabled,
  swapTo,
} from '../index';
import { attachType } from '../bpf/program';
import { createLink, linkFlags } from '../bpf/link';
import { pinObject, unpin } from '../bpf/pin';
import { instanceFolder } from '../generation/paths';
import { listFilters } from './cls-bpf';
import type { HookTarget } from '../types';

const [unspec, ok, shot, pipe, stolen] = [-1, 0, 2, 3, 4];
const proceedOn = [ok, pipe, unspec];

describe.each(['tcx', 'cls_bpf'] as const)('a TC chain on %s', (tc) => {
  const skip = tc === 'tcx' && !hasTcx();
  describe.each(['tc-ingress', 'tc-egress'] as const)('%s', (hook) => {
    if (skip) {
      // By the name of a test, so that a kernel that runs it accounts for the skip.
      const title = 'lets packets through all KFs, ends with next, and is replaced atomically';
      needsFeature({ name: 'tcx', since: '6.6', found: false })(title, () => undefined);
      return;
    }
    const { pair, target } = hookFixture(createVethPair({ prefix: 'l3afk' }), hook, { tc });
    const sender = hook === 'tc-ingress' ? 'peer' : 'node';
    afterAll(() => {
      detach(target);
      removeInstance(target.instance);
      pair.stop();
    });
    const kf = (name: string, verdict: number) =>
      kfLoad(name, compileBpf(countingTcKf(verdict)), { proceedOn });
    const seen = (generation: number, name: string): number => {
      using map = openKfMap(target, generation, { kf: name, map: 'seen' });
      return Number(Buffer.from(map.lookup(u32(0)) ?? []).readBigUInt64LE(0));
    };

    test('lets packets through all KFs, ends with next, and is replaced atomically', async () => {
      await loadGeneration(target, {
        generation: 1,
        metadata: '1',
        kfs: [kf('a', ok), kf('b', pipe), kf('c', unspec)],
      });
      expect(swapTo(target, 1)).toMatchObject({ mode: tc, firstAttach: true });
      const after = await foreignCounter(target);
      pair.sendUdp(sender, { count: 3 });
      expect([seen(1, 'a'), seen(1, 'b'), seen(1, 'c')].every((count) => count >= 3)).toBe(true);
      expect(after.seen()).toBeGreaterThanOrEqual(3);
      expect(readCounters(target, 1).broken).toBe(0);

      await loadGeneration(target, {
        generation: 2,
        metadata: '2',
        kfs: [kf('a', ok), kf('d', shot), kf('b', pipe)],
      });
      expect(swapTo(target, 2)).toMatchObject({ mode: tc, firstAttach: false });
      const others = after.seen();
      pair.sendUdp(sender, { count: 2 });
      expect(after.seen()).toBe(others);
      const counters = readCounters(target, 2);
      expect(counters.kfs[1]?.verdicts.SHOT).toBeGreaterThanOrEqual(2);
      expect(counters.kfs[2]).toMatchObject({ verdicts: {}, proceeded: 0 });
      setEnabled(target, 2, { kf: 'd', enabled: false });
      pair.sendUdp(sender, { count: 2 });
      expect(after.seen()).toBeGreaterThanOrEqual(others + 2);
      setEnabled(target, 2, { kf: 'a', enabled: false });
      setEnabled(target, 2, { kf: 'b', enabled: false });
      expect(observeHook(target)).toMatchObject({
        attached: true,
        mode: tc,
        drift: [],
        live: { generation: 2 },
      });
      pair.sendUdp(sender, { count: 2 });
      expect(after.seen()).toBeGreaterThanOrEqual(others + 4);
      expect(observeHook(target).foreign).toMatchObject([{ kind: 'program', name: 'kf', mode: tc }]);

      await loadGeneration(target, { generation: 3, metadata: '3', kfs: [kf('s', stolen)] });
      swapTo(target, 3);
      const untilStolen = after.seen();
      pair.sendUdp(sender, { count: 2 });
      expect(after.seen()).toBe(untilStolen);
      expect(readCounters(target, 3).kfs[0]?.verdicts.STOLEN).toBeGreaterThanOrEqual(2);

      await loadGeneration(target, { generation: 4, metadata: '4', kfs: [] });
      swapTo(target, 4);
      pair.sendUdp(sender, { count: 2 });
      expect(after.seen()).toBeGreaterThanOrEqual(untilStolen + 2);
      detach(target);
      const free = after.seen();
      pair.sendUdp(sender, { count: 2 });
      expect(after.seen()).toBeGreaterThanOrEqual(free + 2);
      expect(observeHook(target)).toMatchObject({ attached: false, generations: [], drift: [] });
      after.close();
    });
  });

  /** Somebody else's program on the same hook, behind ours. */
  async function foreignCounter(target: HookTarget) {
    const program = await loadPlain({
      object: compileBpf(countingTcKf(ok)),
      program: 'kf',
      hook: target.hook,
    });
    const linkFd = tc === 'tcx' ? tcxAfter(target, program.fd) : undefined;
    if (tc === 'cls_bpf') clsBehind(target, program.fd);
    const map = program.map('seen');
    return {
      seen: () => Number(Buffer.from(map.lookup(u32(0)) ?? []).readBigUInt64LE(0)),
      close() {
        if (linkFd !== undefined) closeSync(linkFd);
        program.close();
      },
    };
  }

  function tcxAfter(target: HookTarget, programFd: number): number {
    const type = target.hook === 'tc-ingress' ? attachType.tcxIngress : attachType.tcxEgress;
    return inNetns(target.netns, () =>
      createLink({ programFd, ifindex: target.ifindex, attachType: type, flags: linkFlags.after }),
    );
  }

  /** The kernel puts each new filter in front, so a filter behind ours needs a priority of its own: tc(8) gives one. */
  function clsBehind(target: HookTarget, programFd: number): void {
    const [ours] = listFilters(target);
    const path = join(instanceFolder(target.instance), 'foreign');
    pinObject(programFd, path);
    const side = target.hook === 'tc-ingress' ? 'ingress' : 'egress';
    const words = `tc filter add dev ${target.interface} ${side} prio ${(ours?.priority ?? 0) + 1} bpf da object-pinned ${path}`;
    execFileSync('nsenter', [`--net=${target.netns ?? ''}`, ...words.split(' ')]);
    unpin(path);
  }
});
