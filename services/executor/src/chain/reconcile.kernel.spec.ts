import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DesiredChain } from './desired';
import { CounterLedger } from './ledger';
import { ChainMemory } from './memory';
import { Reconciler, type ReconcilerOptions } from './reconcile';

const desired: DesiredChain = {
  key: { node: 'n', interface: 'l3af-none0', hook: 'xdp' },
  revision: 1,
  sequence: 7,
  deleted: false,
  kfs: [],
};

test('a revision that fails after it was live will be reported once it is live again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'l3af-reconcile-'));
  try {
    const memory = new ChainMemory(join(folder, 'chains.json'));
    memory.remember(desired);
    memory.markReported(desired);
    const report = jest.fn();
    const options = { settings: { instance: `reconcile-${process.pid}` }, memory, reporter: { report } };
    const ledger = new CounterLedger(join(folder, 'counters.json'));
    const reconciler = new Reconciler({
      ...options,
      ledger,
      log: { error: jest.fn() },
      inputs: () => '',
    } as unknown as ReconcilerOptions);
    reconciler.scheduleAll();
    await reconciler.idle();
    expect(report).toHaveBeenCalledWith(
      desired.key,
      expect.objectContaining({
        type: 'ChainRejected',
        data: expect.objectContaining({ retrying: true }) as unknown,
      }),
      expect.anything(),
    );
    expect(memory.isReported(desired)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
