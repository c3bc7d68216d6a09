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
      { type: 'load', generation: 4, reuseFrom: 3 },
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
    expect(types(plan(desired(6, [], true), { live: at3, idle: [2] }, options))).toEqual(['detach']);
    expect(plan(desired(6, [], true), { idle: [] }, options)).toEqual([]);
  });

  it('removes leftovers of a crash and spares the generation on probation', () => {
    const chain = desired(5, [kf('a')]);
    const at3 = live(3, chain)!;
    expect(plan(chain, { live: at3, idle: [2, 4] }, { ...options, keep: [2] })).toEqual([
      { type: 'remove-generation', generation: 4 },
    ]);
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
      idle: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(chain, observed, (target, seen) => {
        // One sequence names one chain: an observed chain of the same sequence is the same chain.
        const was = seen.was.sequence === target.sequence ? target : seen.was;
        const attached = seen.attached && !was.deleted;
        const start: ObservedChain = {
          ...(attached && { live: live(seen.generation, was)! }),
          idle: seen.idle.filter((generation) => !attached || generation !== seen.generation),
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
function apply(state: ObservedChain & { loaded?: ObservedChain['live'] }, action: Action): ObservedChain {
  const without = (generation: number) => state.idle.filter((idle) => idle !== generation);
  switch (action.type) {
    case 'load':
      return { ...state, idle: [...state.idle, action.generation], loaded: action } as ObservedChain;
    case 'swap':
      return {
        live: { generation: action.generation, applied: state.loaded!.applied },
        idle: [...without(action.generation), ...(state.live ? [state.live.generation] : [])],
      };
    case 'adjust':
      return { ...state, live: { generation: action.generation, applied: action.to } };
    case 'remove-generation':
      return { ...state, idle: without(action.generation) };
    case 'detach':
      return { idle: [] };
  }
}
