import type { DesiredKf } from '@l3af/contracts';
import fc from 'fast-check';
import type { DesiredChain } from './desired';
import { type Action, type ObservedChain, plan, planRollBack } from './plan';

const digest = `sha256:${'a'.repeat(64)}`;
const kf = (name: string, enabled = true): DesiredKf => ({
  name,
  package: name,
  version: '1.0.0',
  digest,
  program: name,
  enabled,
  proceedOn: ['PASS'],
  config: {},
  state: 'keep',
});
const key = { node: 'n', interface: 'eth0', hook: 'xdp' } as const;
const desired = (sequence: number, kfs: DesiredKf[], deleted = false): DesiredChain => ({
  key,
  revision: sequence,
  sequence,
  deleted,
  kfs,
});
const options = {
  keep: [] as number[],
  adjustable: (a: DesiredKf, b: DesiredKf) => a.name === b.name && a.digest === b.digest,
};
const live = (generation: number, chain: DesiredChain): ObservedChain['live'] => ({
  generation,
  applied: { revision: chain.revision, sequence: chain.sequence, kfs: chain.kfs },
});
const types = (actions: Action[]) => actions.map((action) => action.type);

describe('plan()', () => {
  it('loads and swaps on a bare hook', () => {
    expect(plan(desired(5, [kf('a')]), { idle: [] }, options)).toEqual([
      { type: 'load', generation: 1, applied: { revision: 5, sequence: 5, kfs: [kf('a')] } },
      { type: 'swap', generation: 1 },
    ]);
  });

  it('does nothing when the desired sequence is live', () => {
    const chain = desired(5, [kf('a')]);
    const at3 = live(3, chain);
    expect(plan(chain, { ...(at3 && { live: at3 }), idle: [] }, options)).toEqual([]);
  });

  it('takes state over from the live generation when the structure changes', () => {
    const at3 = live(3, desired(5, [kf('a')]))!;
    expect(plan(desired(6, [kf('a'), kf('b')]), { live: at3, idle: [] }, options)).toMatchObject([
      { type: 'load', generation: 4, reuseFrom: { generation: 3 } },
      { type: 'swap', generation: 4 },
    ]);
  });

  it('adjusts in place when only switches and maps change', () => {
    const at3 = live(3, desired(5, [kf('a')]))!;
    expect(types(plan(desired(6, [kf('a', false)]), { live: at3, idle: [] }, options))).toEqual(['adjust']);
  });

  it('keeps an empty chain attached and detaches a deleted one', () => {
    const at3 = live(3, desired(5, [kf('a')]))!;
    expect(types(plan(desired(6, []), { live: at3, idle: [] }, options))).toEqual(['load', 'swap']);
    expect(types(plan(desired(6, [], true), { live: at3, idle: [{ generation: 2 }] }, options))).toEqual([
      'detach',
    ]);
    expect(plan(desired(6, [], true), { idle: [] }, options)).toEqual([]);
  });

  it('removes leftovers of a crash and spares the generation on probation', () => {
    const chain = desired(5, [kf('a')]);
    const at3 = live(3, chain)!;
    expect(
      plan(chain, { live: at3, idle: [{ generation: 2 }, { generation: 4 }] }, { ...options, keep: [2] }),
    ).toEqual([{ type: 'remove-generation', generation: 4 }]);
  });

  it('completes a crash between load and swap with the swap alone', () => {
    const chain = desired(6, [kf('b')]);
    const at3 = live(3, desired(5, [kf('a')]))!;
    expect(plan(chain, { live: at3, idle: [{ generation: 4, applied: { ...chain } }] }, options)).toEqual([
      { type: 'swap', generation: 4 },
    ]);
  });

  it('attaches again what was detached, and loads anew what was damaged', () => {
    const chain = desired(6, [kf('b')]);
    expect(types(plan(chain, { idle: [{ generation: 4, applied: { ...chain } }] }, options))).toEqual([
      'swap',
    ]);
    const damaged = { ...live(4, chain)!, damaged: true };
    expect(types(plan(chain, { live: damaged, idle: [] }, options))).toEqual(['load', 'swap']);
  });

  it('rolls back with one swap', () => {
    expect(types(planRollBack(4, 3))).toEqual(['swap', 'remove-generation']);
  });

  it('reaches the desired chain from any observed one, and then has nothing left to do', () => {
    const chain = fc
      .record({
        sequence: fc.integer({ min: 1, max: 20 }),
        names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 }),
        deleted: fc.boolean(),
      })
      .map(({ sequence, names, deleted }) =>
        desired(sequence, deleted ? [] : names.map((name) => kf(name)), deleted),
      );
    const observed = fc.record({
      attached: fc.boolean(),
      generation: fc.integer({ min: 1, max: 9 }),
      was: chain,
      damaged: fc.boolean(),
      idle: fc.uniqueArray(fc.record({ generation: fc.integer({ min: 1, max: 9 }), was: fc.option(chain) }), {
        maxLength: 3,
        selector: ({ generation }) => generation,
      }),
    });
    fc.assert(
      fc.property(chain, observed, (target, seen) => {
        // One sequence names one chain: an observed chain of the same sequence is the same chain.
        const same = (was: DesiredChain) => (was.sequence === target.sequence ? target : was);
        const was = same(seen.was);
        const attached = seen.attached && !was.deleted;
        const start: ObservedChain = {
          ...(attached && { live: { ...live(seen.generation, was)!, damaged: seen.damaged } }),
          idle: seen.idle
            .filter(({ generation }) => !attached || generation !== seen.generation)
            .map(({ generation, was: idle }) => ({
              generation,
              ...(idle && !same(idle).deleted && { applied: live(generation, same(idle))!.applied }),
            })),
        };
        const end = plan(target, start, options).reduce(apply, start);
        expect(end.live?.applied.kfs).toEqual(target.deleted ? undefined : target.kfs);
        expect(end.live?.applied.sequence).toBe(target.deleted ? undefined : target.sequence);
        const second = plan(target, end, options);
        expect(second.filter((action) => action.type !== 'remove-generation')).toEqual([]);
        expect(plan(target, second.reduce(apply, end), options)).toEqual([]);
      }),
    );
  });
});

/** What an action does to what is observed: the model that execute.ts is held against on the real kernel. */
function apply(state: ObservedChain, action: Action): ObservedChain {
  const without = (gone: number) => state.idle.filter(({ generation }) => generation !== gone);
  switch (action.type) {
    case 'load':
      return { ...state, idle: [...state.idle, { generation: action.generation, applied: action.applied }] };
    case 'swap':
      return {
        live: {
          generation: action.generation,
          applied: state.idle.find(({ generation }) => generation === action.generation)!.applied!,
        },
        idle: [...without(action.generation), ...(state.live ? [{ generation: state.live.generation }] : [])],
      };
    case 'adjust':
      return { ...state, live: { generation: action.generation, applied: action.to } };
    case 'remove-generation':
      return { ...state, idle: without(action.generation) };
    case 'detach':
      return { idle: [] };
  }
}
