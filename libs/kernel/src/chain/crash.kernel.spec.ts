import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileBpf, createVethPair, udpPacket } from '@l3af/testing';
import { detach, observeHook, removeInstance } from '../index';
import { attachedProgram } from '../attach/attached';
import { withId } from '../bpf/info';
import { testRunFd } from '../bpf/program';
import { perform, type CrashJob } from './crash-child';
import { countingKf, countingTcKf, hookFixture, rounds } from './chain-fixture';
import { startCrashRunner } from './crash-runner';
import { completeGenerations } from '../generation/live';

const runner = startCrashRunner();
afterAll(() => runner.stop());
/** Every operation; on emulated machines, where a process takes seconds to start, every so many. */
const stride = rounds('L3AF_CRASH_STRIDE', 1);

jest.setTimeout(1_800_000); // some hundred processes, one after the other

describe.each([
  { at: 'an XDP link', hook: 'xdp', tc: undefined, old: 1, next: 3, pass: 2 },
  { at: 'cls_bpf', hook: 'tc-ingress', tc: 'cls_bpf', old: 2, next: 7, pass: 0 },
] as const)('killed after every kernel operation on $at', ({ hook, tc, old, next, pass }) => {
  const folder = mkdtempSync(join(tmpdir(), 'l3af-crash-'));
  const { pair, target } = hookFixture(createVethPair({ prefix: 'l3afk' }), hook, { tc });
  afterAll(() => {
    detach(target);
    removeInstance(target.instance);
    pair.stop();
    rmSync(folder, { recursive: true });
  });
  const source = hook === 'xdp' ? countingKf : countingTcKf;
  const kf = (name: string, verdict: number) => {
    const path = join(folder, `${verdict}.o`);
    writeFileSync(path, compileBpf(source(verdict)));
    return {
      name,
      path,
      program: 'kf',
      proceedOn: [pass],
      enabled: true,
      digest: name,
      state: 'keep' as const,
    };
  };
  const oldChain: CrashJob['change'] = { kind: 'apply', generation: 1, kfs: [kf('a', pass), kf('b', old)] };
  const nextChain: CrashJob['change'] = {
    kind: 'apply',
    generation: 2,
    kfs: [kf('c', pass), kf('a', pass), kf('d', next)],
  };

  /** What a packet would meet now; undefined: no chain. */
  const verdictNow = (): number | undefined => {
    const attached = attachedProgram(target, completeGenerations(target));
    return (
      attached &&
      withId('program', attached.programId, (fd) => testRunFd(fd, { dataIn: udpPacket() }).verdict)
    );
  };

  /** Kills at each operation in turn; after each the packets see one of the allowed verdicts, and the change can be completed. */
  async function enumerate(
    change: CrashJob['change'],
    {
      before,
      allowed,
      after,
    }: { before: () => Promise<void>; allowed: (number | undefined)[]; after: number | undefined },
  ): Promise<number> {
    for (let killAfter = 1; ; killAfter += stride) {
      await before();
      const { killed, operation } = await runner.run({ target, change, killAfter });
      const verdict = verdictNow();
      expect({ operation, verdict, ok: allowed.includes(verdict) }).toMatchObject({ ok: true });
      await perform({ target, change });
      expect({ operation, verdict: verdictNow() }).toEqual({ operation, verdict: after });
      const { generations, drift } = observeHook(target);
      expect({ operation, drift, incomplete: generations.filter(({ complete }) => !complete) }).toEqual({
        operation,
        drift: [],
        incomplete: [],
      });
      if (!killed) return killAfter;
    }
  }
  const start = async (): Promise<void> => {
    detach(target);
    await perform({ target, change: oldChain });
  };

  beforeAll(async () => {
    const changes: CrashJob['change'][] = [
      oldChain,
      nextChain,
      { kind: 'switch', generation: 2, kf: 'd', enabled: false },
      { kind: 'detach' },
    ];
    for (const change of changes) await runner.rehearse({ target, change });
  });

  test('of a first apply', async () => {
    const before = (): Promise<void> => Promise.resolve(detach(target));
    const steps = await enumerate(oldChain, { before, allowed: [undefined, old], after: old });
    expect(steps).toBeGreaterThan(15);
  });
  test('of an upgrade', async () => {
    const steps = await enumerate(nextChain, { before: start, allowed: [old, next], after: next });
    expect(steps).toBeGreaterThan(25);
  });
  if (tc !== undefined) return; // the rest is the same on every hook
  test('of a switch', async () => {
    const change: CrashJob['change'] = { kind: 'switch', generation: 1, kf: 'b', enabled: false };
    const passed = hook === 'xdp' ? pass : -1;
    expect(await enumerate(change, { before: start, allowed: [old, passed], after: passed })).toBeGreaterThan(
      3,
    );
  });
  test('of a detach', async () => {
    const steps = await enumerate(
      { kind: 'detach' },
      { before: start, allowed: [old, undefined], after: undefined },
    );
    expect(steps).toBeGreaterThan(15);
  });
});
