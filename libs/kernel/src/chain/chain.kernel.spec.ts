import { compileBpf, createVethPair, udpPacket } from '@l3af/testing';
import { openPin } from '../bpf/pin';
import { testRunFd } from '../bpf/program';
import {
  detach,
  generationPaths,
  loadGeneration,
  observeHook,
  openKfMap,
  readCounters,
  removeGeneration,
  removeInstance,
  setEnabled,
  swapTo,
} from '../index';
import { countingKf, hookFixture, kfLoad, u32, xdpDrop, xdpPass } from './chain-fixture';

describe('XDP chain', () => {
  const { pair, target } = hookFixture(createVethPair({ prefix: 'l3afk' }));
  afterAll(() => {
    removeInstance(target.instance);
    pair.stop();
  });
  const pass = compileBpf(countingKf(xdpPass));
  const drop = compileBpf(countingKf(xdpDrop));
  const seen = (generation: number, kf: string): number => {
    using map = openKfMap(target, generation, { kf, map: 'seen' });
    return Number(Buffer.from(map.lookup(u32(0)) ?? []).readBigUInt64LE(0));
  };
  const run = (generation: number, kf: string): number => {
    const fd = openPin(generationPaths(target, generation).kfProgram(Number(kf[0]), kf.slice(2)));
    return testRunFd(fd ?? -1, { dataIn: udpPacket() }).verdict;
  };

  test('a chain of three is loaded, swapped in, counts, and is switched', async () => {
    const loaded = await loadGeneration(target, {
      generation: 1,
      metadata: '{"revision":1}',
      kfs: [kfLoad('a', pass), kfLoad('b', pass), kfLoad('c', drop)],
    });
    expect(loaded.kfs.map(({ name, glue }) => [name, glue])).toEqual([
      ['a', 'epilogue'],
      ['b', 'epilogue'],
      ['c', 'epilogue'],
    ]);
    expect(observeHook(target)).toMatchObject({ attached: false, foreign: [], drift: [] });
    expect(run(1, '0_a')).toBe(xdpDrop);
    expect([seen(1, 'a'), seen(1, 'b'), seen(1, 'c')]).toEqual([1, 1, 1]);
    expect(readCounters(target, 1)).toMatchObject({
      broken: 0,
      kfs: [
        { name: 'a', verdicts: {}, proceeded: 1 },
        { name: 'b', verdicts: {}, proceeded: 1 },
        { name: 'c', verdicts: { DROP: 1 }, proceeded: 0 },
      ],
    });
    expect(swapTo(target, 1)).toMatchObject({ mode: 'native', firstAttach: true });
    const observed = observeHook(target);
    expect(observed).toMatchObject({ attached: true, mode: 'native', foreign: [], drift: [] });
    expect(observed.live).toMatchObject({ generation: 1, metadata: '{"revision":1}', complete: true });

    setEnabled(target, 1, { kf: 'c', enabled: false });
    expect(run(1, '0_a')).toBe(xdpPass);
    const switched = readCounters(target, 1);
    expect(switched.broken).toBe(0);
    expect(switched.kfs[1]?.proceeded).toBeGreaterThanOrEqual(2);
    expect(switched.kfs[2]?.proceeded).toBe(0);
    setEnabled(target, 1, { kf: 'c', enabled: true });
    setEnabled(target, 1, { kf: 'a', enabled: false });
    expect(observeHook(target)).toMatchObject({ attached: true, drift: [] });
    expect(observeHook(target).live?.kfs.map(({ enabled }) => enabled)).toEqual([false, true, true]);
    const ping = (): string => pair.run('peer', 'ping', '-c', '1', '-W', '1', pair.address4);
    expect(ping).toThrow();
    setEnabled(target, 1, { kf: 'c', enabled: false });
    expect(ping()).toContain('1 received');
  });

  test('a second generation keeps the state and is swapped atomically', async () => {
    const before = seen(1, 'b');
    const loaded = await loadGeneration(target, {
      generation: 2,
      metadata: '{}',
      kfs: [kfLoad('b', pass), kfLoad('a', pass)],
    });
    expect(loaded.kfs.map(({ reusedMaps }) => reusedMaps)).toEqual([['seen'], ['seen']]);
    expect(swapTo(target, 2)).toMatchObject({ firstAttach: false });
    expect(run(2, '0_b')).toBe(xdpPass);
    expect(seen(2, 'b')).toBeGreaterThan(before);
    removeGeneration(target, 1);
    expect(observeHook(target).generations.map(({ generation }) => generation)).toEqual([2]);
    detach(target);
    expect(observeHook(target)).toMatchObject({ attached: false, generations: [] });
  });
});
