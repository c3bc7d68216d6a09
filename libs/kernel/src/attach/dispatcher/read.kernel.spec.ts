import { existsSync } from 'node:fs';
import { compileBpf, createVethPair, needsFeature, skipUnless } from '@l3af/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countingKf, hookFixture, kfLoad, xdpPass } from '../../chain/chain-fixture';
import { detach, loadGeneration, observeHook, removeInstance, swapTo } from '../../index';
import { freplaceOutcome } from '../../features/freplace';

const loader = ['/usr/sbin/xdp-loader', '/usr/bin/xdp-loader'].find(existsSync);

describe("libxdp's dispatcher on the hook", () => {
  if (loader === undefined) {
    skipUnless(false, 'needs xdp-loader (xdp-tools)')('is recognised', () => undefined);
    return;
  }
  const ours = compileBpf(countingKf(xdpPass));
  // Compiled even where the test is skipped: the virtual machines run what this machine compiled.
  const objects = ['first_kf', 'second_kf'].map((name) => ({
    name,
    object: compileBpf(countingKf(xdpPass).replace('int kf(', `int ${name}(`)),
  }));
  const test = needsFeature({ name: 'freplace programs', since: '5.10', found: freplaceOutcome() });

  test('is recognised program by program, named when a chain wants the hook, and left as it is', async () => {
    // Made here and not around the test: hooks do not run for a test that is skipped.
    using pair = createVethPair({ prefix: 'l3afk' });
    const { target } = hookFixture(pair);
    const folder = mkdtempSync(join(tmpdir(), 'l3af-dispatcher-'));
    const [first, second] = objects.map(({ name, object }) => {
      const path = join(folder, `${name}.o`);
      writeFileSync(path, object);
      return path;
    }) as [string, string];
    const run = (...args: string[]): string => pair.run('node', loader, ...args);
    run('load', '-m', 'native', '-P', '20', pair.name, first);
    run('load', '-m', 'native', '-P', '30', pair.name, second);
    try {
      const before = observeHook(target);
      expect(before).toMatchObject({
        attached: false,
        foreign: [
          {
            kind: 'libxdp-dispatcher',
            dispatcher: {
              programs: [
                { name: 'first_kf', priority: 20, proceedOn: [xdpPass] },
                { name: 'second_kf', priority: 30, proceedOn: [xdpPass] },
              ],
            },
          },
        ],
      });
      await loadGeneration(target, {
        generation: 1,
        metadata: '',
        kfs: [kfLoad('ours', ours)],
      });
      expect(() => swapTo(target, 1)).toThrow(
        /dispatcher \(version \d\) with first_kf, second_kf is on the hook/,
      );
      detach(target);
      expect(observeHook(target).foreign).toEqual(before.foreign);
    } finally {
      run('unload', '--all', pair.name);
    }
    expect(observeHook(target)).toMatchObject({ attached: false, foreign: [] });
    removeInstance(target.instance);
    rmSync(folder, { recursive: true });
  });
});
