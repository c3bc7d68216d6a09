import type { ChainKey, ChainView, DesiredKf, WireError } from '@l3af/contracts';
import { evolve, initialState, outcomeOf, type ChainState, type ChainStory } from './chain.state';
import { chainView } from './chain.view';

const key: ChainKey = { node: 'demo-1', interface: 'l3af0', hook: 'xdp' };
const digest = `sha256:${'a'.repeat(64)}`;
const kf: DesiredKf = {
  ...{ name: 'firewall', package: 'firewall', version: '1.0.0', digest, program: 'firewall' },
  ...{ enabled: true, proceedOn: ['PASS'], config: {}, state: 'keep' },
};
const error: WireError = { code: 'verifier-refused', message: 'Cannot load KF "firewall"' };
const log = { bucket: 'l3af-logs', digest, sizeBytes: 9 };

type Type = ChainStory['type'];
type DataOf<T extends Type> = Extract<ChainStory, { type: T }>['data'];
const told = <T extends Type>(type: T, data: Omit<DataOf<T>, keyof ChainKey>): ChainStory =>
  ({ type, version: 1, data: { ...key, ...data } }) as unknown as ChainStory;

const revised = (revision: number): ChainStory =>
  told('ChainRevised', { revision, change: { kind: 'apply', summary: '' }, kfs: [kf] });
const deleted = (revision: number): ChainStory =>
  told('ChainDeleted', { revision, change: { kind: 'delete', summary: '' } });
const applied = (revision: number, generation = revision): ChainStory =>
  told('ChainApplied', {
    ...{ revision, sequence: revision, generation, mode: 'native', warnings: [] },
    kfs: [{ name: 'firewall', digest, programId: 100 + generation, enabled: true }],
    timings: { pullMs: 1, loadMs: 2, swapMs: 3, totalMs: 6 },
  });
const rejected = (revision: number): ChainStory =>
  told('ChainRejected', { revision, sequence: revision, error, kf: 'firewall', log });
const rolledBack = (revision: number, toRevision: number): ChainStory =>
  told('ChainRolledBack', { revision, sequence: revision, toRevision, generation: 9, error });
const broken = (revision: number): ChainStory =>
  told('ChainBroken', { revision, kf: 'firewall', packets: 3 });
const drifted = (revision: number, action: 'repaired' | 'left'): ChainStory =>
  told('ChainDrifted', { revision, drift: 'detached', detail: 'by someone', action });
const unhealthy = told('KfUnhealthy', { revision: 1, kf: 'firewall', detail: 'no answer' });
const restarted = told('KfRestarted', { revision: 1, kf: 'firewall', detail: 'again', restarts: 1 });

const reset = told('CountersReset', { revision: 1, generation: 1, actor: 'alice', kfs: [] });

/** The state after a story, one event a second. */
const after = (...story: ChainStory[]): ChainState =>
  story.reduce(
    (state, event, at) => evolve(state, event, { sequence: at + 1, at: `2026-08-22T10:00:0${at}Z` }),
    initialState,
  );
const view = (...story: ChainStory[]): ChainView => chainView(key, after(...story));

test('counters that are reset change nothing of what a chain is', () => {
  const before = after(revised(1), applied(1), broken(1));
  expect(after(revised(1), applied(1), broken(1), reset)).toEqual(before);
});

describe('a chain that its node refused', () => {
  it('is rejected with the reason and the log, and tells what is live as before', () => {
    expect(view(revised(1), applied(1), revised(2), rejected(2))).toMatchObject({
      desired: { revision: 2, sequence: 3 },
      reported: {
        ...{ revision: 2, state: 'rejected', generation: 1, mode: 'native', error, log },
        ...{ at: '2026-08-22T10:00:03Z', kfs: [{ name: 'firewall', programId: 101 }] },
      },
    });
  });

  it('is pending with the reason while the node tries it again, until it is live or refused for good', () => {
    const passing = told('ChainRejected', { revision: 2, sequence: 2, error, retrying: true });
    const waiting = [revised(1), applied(1), revised(2), passing];
    expect(view(...waiting)).toMatchObject({
      desired: { revision: 2 },
      reported: { revision: 2, state: 'pending', generation: 1, error, at: '2026-08-22T10:00:03Z' },
    });
    expect(outcomeOf(passing)).toEqual({ revision: 2, outcome: 'pending', error });
    expect(view(...waiting, applied(2)).reported).toMatchObject({ revision: 2, state: 'live' });
    expect(view(...waiting, applied(2)).reported?.error).toBeUndefined();
    expect(view(...waiting, rejected(2)).reported).toMatchObject({ revision: 2, state: 'rejected' });
    expect(view(...waiting, revised(3)).reported?.error).toBeUndefined();
  });

  it('has nothing live when it never was', () => {
    const { reported } = view(revised(1), rejected(1));
    expect(reported).toMatchObject({ revision: 1, state: 'rejected', kfs: [] });
    expect(reported).not.toHaveProperty('generation');
  });

  it('is pending again with the next revision, and live when that is, without the old reason', () => {
    const story = [revised(1), rejected(1), revised(2)];
    expect(view(...story).reported).toMatchObject({ state: 'pending' });
    expect(view(...story).reported).not.toHaveProperty('error');
    const live = view(...story, applied(2)).reported;
    expect(live).toMatchObject({ revision: 2, state: 'live' });
    expect(live).not.toHaveProperty('error');
  });

  it('stays rejected when the node says once more that the older revision is live', () => {
    const story = [revised(1), applied(1), revised(2), rejected(2), applied(1)];
    expect(view(...story).reported).toMatchObject({ revision: 2, state: 'rejected', error });
  });

  it('is told of its own revision only: a late refusal of an older one changes nothing', () => {
    const late = view(revised(1), revised(2), applied(2), rejected(1));
    expect(late.reported).toMatchObject({ revision: 2, state: 'live' });
    expect(late.reported).not.toHaveProperty('error');
  });
});

describe('a chain that was rolled back', () => {
  const story = [revised(1), applied(1), revised(2), applied(2), rolledBack(2, 1)];

  it('says why, and what is live again', () => {
    expect(view(...story).reported).toMatchObject({
      ...{ revision: 2, state: 'rolled-back', generation: 9, error },
      kfs: [{ name: 'firewall', programId: 101 }],
    });
    expect(after(...story)).toMatchObject({ outcome: 'rolled-back', applied: { revision: 1 }, before: null });
  });

  it('knows nothing of KFs when it is put back to what nobody reported', () => {
    const { reported } = view(revised(2), applied(2), rolledBack(2, 1));
    expect(reported).toMatchObject({ state: 'rolled-back', generation: 9, kfs: [] });
  });

  it('is pending, then live, with the next revision', () => {
    expect(view(...story, revised(3)).reported).toMatchObject({ state: 'pending', generation: 9 });
    expect(view(...story, revised(3), applied(3, 10)).reported).toMatchObject({ state: 'live', revision: 3 });
  });
});

describe('a chain that runs with something wrong', () => {
  const live = [revised(1), applied(1)];

  it('is degraded while packets fall through it, with the reason', () => {
    expect(view(...live, broken(1)).reported).toMatchObject({
      ...{ revision: 1, state: 'degraded', error: { code: 'chain-broken' } },
      warnings: ['3 packets fell through the tail call after "firewall"'],
    });
  });

  it('is degraded by a drift that is left alone, and live when it is repaired', () => {
    expect(view(...live, drifted(1, 'left')).reported).toMatchObject({
      ...{ state: 'degraded', warnings: ['detached: by someone'] },
    });
    expect(view(...live, drifted(1, 'left'), drifted(1, 'repaired')).reported).toMatchObject({
      state: 'live',
    });
  });

  it('is degraded while a KF is unhealthy, and live when that was started again', () => {
    expect(view(...live, unhealthy).reported).toMatchObject({ state: 'degraded' });
    expect(view(...live, unhealthy, restarted).reported).toMatchObject({ state: 'live' });
  });

  it('is live again with the next generation; a rejected change is told before the trouble', () => {
    expect(view(...live, broken(1), revised(2), applied(2)).reported).toMatchObject({ state: 'live' });
    expect(view(...live, broken(1), revised(2), rejected(2)).reported).toMatchObject({
      ...{ state: 'rejected', error: { code: 'verifier-refused' } },
    });
  });
});

describe('a chain that was deleted', () => {
  it('is pending until it is detached, and then gone', () => {
    const story = [revised(1), applied(1), deleted(2)];
    expect(view(...story)).toMatchObject({ desired: null, reported: { state: 'pending' } });
    const detached = told('ChainDetached', { revision: 2, sequence: 3 });
    expect(view(...story, detached)).toEqual({ ...key, desired: null, reported: null });
    expect(view(...story, detached, revised(3)).reported).toMatchObject({ state: 'pending', kfs: [] });
  });
});

describe('what an event says became of a revision', () => {
  it.each<[ChainStory, unknown]>([
    [applied(4), { revision: 4, outcome: 'applied', error: null }],
    [rejected(4), { revision: 4, outcome: 'rejected', error }],
    [rolledBack(4, 3), { revision: 4, outcome: 'rolled-back', error }],
    [broken(4), undefined],
    [revised(4), undefined],
  ])('of event %#', (event, outcome) => {
    expect(outcomeOf(event)).toEqual(outcome);
  });
});
