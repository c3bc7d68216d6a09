import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { compileBpf, createVethPair, needsFeature } from '@l3af/testing';
import { createLink, linkFlags } from '../bpf/link';
import { pinObject } from '../bpf/pin';
import { attachType } from '../bpf/program';
import { queryHook } from '../bpf/query';
import { countingTcKf, hookFixture, kfLoad, u32 } from '../chain/chain-fixture';
import { instanceFolder } from '../generation/paths';
import { hasTcx } from '../features/tcx';
import {
  detach,
  inNetns,
  loadGeneration,
  loadPlain,
  observeHook,
  openKfMap,
  removeInstance,
  swapTo,
  type HookTarget,
  type PlainProgram,
} from '../index';

const [unspec, ok, shot] = [-1, 0, 2];
/** -1 is tcx's "next": whoever comes behind runs, too. Named by their functions. */
const neighbours = ['left_kf', 'right_kf'] as const;
const objects = Object.fromEntries(
  neighbours.map((name) => [name, compileBpf(countingTcKf(unspec).replace('int kf(', `int ${name}(`))]),
);
const [passing, dropping] = [ok, shot].map((verdict) => compileBpf(countingTcKf(verdict)));
const run = needsFeature({ name: 'tcx', since: '6.6', found: hasTcx() });

interface Neighbours {
  target: HookTarget;
  programs: Record<string, PlainProgram>;
  /** Program names in the order in which they run; the chain's is `kf`. */
  order(): string[];
  seen(name: string): number;
  revision(): number;
}

/** A hook with two programs of somebody else's, left before right, and packets on it. */
async function withNeighbours(body: (hook: Neighbours & { send(): void }) => Promise<void>): Promise<void> {
  using pair = createVethPair({ prefix: 'l3afk' });
  const { target } = hookFixture(pair, 'tc-ingress');
  const query = () => inNetns(target.netns, () => queryHook(target.ifindex, attachType.tcxIngress));
  const programs: Record<string, PlainProgram> = {};
  const links: number[] = [];
  try {
    for (const name of neighbours) {
      const program = await loadPlain({
        object: objects[name] ?? Buffer.alloc(0),
        program: name,
        hook: target.hook,
      });
      programs[name] = program;
      const link = { attachType: attachType.tcxIngress, flags: linkFlags.after };
      links.push(
        inNetns(target.netns, () => createLink({ programFd: program.fd, ifindex: target.ifindex, ...link })),
      );
    }
    const right = links[1];
    if (right !== undefined) pinObject(right, join(instanceFolder(target.instance), 'right'));
    const nameOf = (id: number): string =>
      neighbours.find((name) => programs[name]?.programId === id) ?? 'kf';
    await body({
      target,
      programs,
      order: () => query().programs.map(({ programId }) => nameOf(programId)),
      seen: (name) =>
        Number(Buffer.from(programs[name]?.map('seen').lookup(u32(0)) ?? []).readBigUInt64LE(0)),
      revision: () => Number(query().revision),
      send: () => pair.sendUdp('peer', { count: 2 }),
    });
    detach(target);
  } finally {
    links.forEach((fd) => closeSync(fd));
    Object.values(programs).forEach((program) => program.close());
    removeInstance(target.instance);
  }
}

async function apply(target: HookTarget, generation: number, object: Buffer | undefined): Promise<void> {
  const kfs = [kfLoad('kf', object ?? Buffer.alloc(0), { proceedOn: [ok] })];
  await loadGeneration(target, { generation, metadata: '', kfs });
  swapTo(target, generation);
}

describe('the place of a chain among other programs of a tcx hook', () => {
  run('is the one that its target names, and stays when the chain changes', () =>
    withNeighbours(async ({ target, programs, order, seen, send }) => {
      const left = programs['left_kf']?.programId ?? 0;
      const pin = join(instanceFolder(target.instance), 'right');
      for (const [position, expected] of [
        ['first', ['kf', 'left_kf', 'right_kf']],
        ['last', ['left_kf', 'right_kf', 'kf']],
        [{ after: left }, ['left_kf', 'kf', 'right_kf']],
        [{ before: left }, ['kf', 'left_kf', 'right_kf']],
        [{ before: 'right_kf' }, ['left_kf', 'kf', 'right_kf']],
        [{ after: pin }, ['left_kf', 'right_kf', 'kf']],
        [{ before: pin }, ['left_kf', 'kf', 'right_kf']],
      ] as const) {
        const placed = { ...target, position };
        await apply(placed, 1, passing);
        expect({ position, order: order() }).toEqual({ position, order: expected });
        expect(observeHook(placed)).toMatchObject({ attached: true, drift: [] });
        detach(placed);
      }
      const between = { ...target, position: { before: pin } };
      await apply(between, 1, passing);
      send();
      expect(seen('left_kf')).toBeGreaterThanOrEqual(2);
      expect(seen('right_kf')).toBeGreaterThanOrEqual(2);
      await apply(between, 2, dropping);
      expect(order()).toEqual(['left_kf', 'kf', 'right_kf']);
      const [before, behind] = [seen('left_kf'), seen('right_kf')];
      send();
      expect(seen('left_kf')).toBeGreaterThanOrEqual(before + 2);
      expect(seen('right_kf')).toBe(behind);
      using map = openKfMap(between, 2, { kf: 'kf', map: 'seen' });
      expect(Buffer.from(map.lookup(u32(0)) ?? []).readBigUInt64LE(0)).toBeGreaterThanOrEqual(4n);
      // Its neighbour is on the wrong side of it now, as somebody says who changed his mind.
      expect(observeHook({ ...target, position: { after: 'right_kf' } }).drift).toMatchObject([
        { kind: 'foreign-before', detail: expect.stringContaining('right_kf) runs behind the chain') },
      ]);
    }),
  );

  run('is refused where the neighbour is not there, or the hook is at another revision', () =>
    withNeighbours(async ({ target, order, revision }) => {
      const others = order();
      const refused = (more: Partial<HookTarget>) => apply({ ...target, ...more }, 1, passing);
      await expect(refused({ position: { before: 'nobody' } })).rejects.toThrow(
        /neighbour "nobody" is not on the hook, which has \d+ \(left_kf\), \d+ \(right_kf\)/,
      );
      await expect(refused({ position: { after: 4_000_000_000 } })).rejects.toThrow('is not on the hook');
      await expect(refused({ position: { after: '/sys/fs/bpf/none' } })).rejects.toThrow(
        'is not on the hook',
      );
      const now = revision();
      await expect(refused({ expectedRevision: now + 1 })).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(`it is at revision ${now}, needs ${now + 1}`),
      });
      expect(order()).toEqual(others);
      await refused({ position: { before: 'right_kf' }, expectedRevision: now });
      expect(order()).toEqual(['left_kf', 'kf', 'right_kf']);
    }),
  );
});
