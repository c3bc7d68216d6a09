import { compileBpf, createVethPair, udpPacket } from '@l3af/testing';
import {
  carryCounters,
  detach,
  loadGeneration,
  observeHook,
  readCounters,
  removeGeneration,
  removeInstance,
  resetCounters,
  setEnabled,
  swapTo,
  testRunChain,
} from '../index';
import { countingKf, hookFixture, kfLoad, xdpDrop, xdpPass } from './chain-fixture';

describe('resetCounters()', () => {
  const { pair, target } = hookFixture(createVethPair({ prefix: 'l3afk' }));
  const pass = compileBpf(countingKf(xdpPass));
  const drop = compileBpf(countingKf(xdpDrop));
  beforeAll(async () => {
    const kfs = [kfLoad('a', pass), kfLoad('b', pass), kfLoad('end', drop)];
    await loadGeneration(target, { generation: 1, metadata: '', kfs });
  });
  afterAll(() => {
    detach(target);
    removeInstance(target.instance);
    pair.stop();
  });
  const run = (repeat: number) => testRunChain(target, 1, { dataIn: udpPacket(), repeat });
  const shown = (since: 'reset' | 'load' = 'reset') =>
    readCounters(target, 1, { since }).kfs.map(({ proceeded, verdicts }) => [
      proceeded,
      verdicts['DROP'] ?? 0,
    ]);

  test('lets the counters of all KFs begin at zero, and tells what they were', () => {
    run(5);
    const before = resetCounters(target, 1);
    expect(before.kfs.map(({ name, proceeded, verdicts }) => [name, proceeded, verdicts])).toEqual([
      ['a', 5, {}],
      ['b', 5, {}],
      ['end', 0, { DROP: 5 }],
    ]);
    expect(readCounters(target, 1).kfs.map(({ verdicts }) => verdicts)).toEqual([{}, {}, {}]);
    expect(shown()).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    run(3);
    expect(shown()).toEqual([
      [3, 0],
      [3, 0],
      [0, 3],
    ]);
    expect(shown('load')).toEqual([
      [8, 0],
      [8, 0],
      [0, 8],
    ]);
  });

  test('of one KF leaves the others alone, and a KF that is not there is refused', () => {
    expect(resetCounters(target, 1, 'b').kfs.map(({ name, proceeded }) => [name, proceeded])).toEqual([
      ['b', 3],
    ]);
    expect(shown()).toEqual([
      [3, 0],
      [0, 0],
      [0, 3],
    ]);
    expect(() => resetCounters(target, 1, 'c')).toThrow('Cannot find KF "c"');
    expect(shown()).toEqual([
      [3, 0],
      [0, 0],
      [0, 3],
    ]);
  });

  test('holds over switches, which put accounts down themselves', () => {
    setEnabled(target, 1, { kf: 'b', enabled: false });
    run(4);
    expect(shown()).toEqual([
      [7, 0],
      [0, 0],
      [0, 7],
    ]);
    resetCounters(target, 1);
    setEnabled(target, 1, { kf: 'b', enabled: true });
    run(2);
    expect(shown()).toEqual([
      [2, 0],
      [2, 0],
      [0, 2],
    ]);
    expect(shown('load')).toEqual([
      [14, 0],
      [10, 0],
      [0, 14],
    ]);
  });

  test('what another generation counted is shown with it, until the next reset', async () => {
    resetCounters(target, 1);
    run(2);
    const kfs = [kfLoad('b', pass), kfLoad('end', drop)];
    await loadGeneration(target, { generation: 2, metadata: '', kfs });
    testRunChain(target, 2, { dataIn: udpPacket(), repeat: 5 });
    const loaded = shown('load');
    carryCounters(target, { from: 2, to: 1 });
    expect(shown()).toEqual([
      [2, 0],
      [7, 0],
      [0, 7],
    ]);
    expect(shown('load')).toEqual(loaded);
    removeGeneration(target, 2);
    carryCounters(target, { from: 2, to: 1 });
    expect(resetCounters(target, 1).kfs[2]?.verdicts).toEqual({ DROP: 7 });
    run(1);
    expect(shown()[2]).toEqual([0, 1]);
  });

  test('writes nothing on the packet path: packets that come meanwhile are all counted', async () => {
    resetCounters(target, 1);
    const dropped = (): number => readCounters(target, 1, { since: 'load' }).kfs[2]?.verdicts['DROP'] ?? 0;
    const before = dropped();
    swapTo(target, 1);
    let told = 0;
    const count = 2000;
    const sent = (async () => {
      for (let burst = 0; burst < 20; burst++) {
        pair.sendUdp('peer', { port: 4000, count: count / 20 });
        await new Promise(setImmediate);
      }
    })();
    const reset = (): void => {
      told += resetCounters(target, 1).kfs[2]?.verdicts['DROP'] ?? 0;
    };
    for (let round = 0; round < 200; round++) {
      reset();
      await new Promise(setImmediate);
    }
    await sent;
    reset();
    expect(told).toBe(dropped() - before);
    expect(told).toBeGreaterThanOrEqual(count);
    expect(observeHook(target)).toMatchObject({ drift: [], live: { generation: 1 } });
  });
});
