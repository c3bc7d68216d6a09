import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DesiredChain } from './desired';
import { ChainMemory } from './memory';

const chain = (sequence: number): DesiredChain => ({
  key: { node: 'n', interface: 'eth0.100', hook: 'xdp' },
  revision: sequence,
  sequence,
  deleted: false,
  kfs: [],
});

describe('ChainMemory', () => {
  let path: string;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'l3af-memory-'));
    path = join(folder, 'chains.json');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('remembers the desired chain and what was reported across restarts', () => {
    const memory = new ChainMemory(path);
    memory.remember(chain(7));
    memory.markReported(chain(7));
    const again = new ChainMemory(path);
    expect(again.get(chain(7).key)).toEqual(chain(7));
    expect(again.isReported(chain(7))).toBe(true);
    expect(again.isReported(chain(8))).toBe(false);
  });

  it('refuses a revision only while its inputs are the same', () => {
    new ChainMemory(path).refuse(chain(7), 'kernel 6.1');
    const memory = new ChainMemory(path);
    expect(memory.isRefused(chain(7), 'kernel 6.1')).toBe(true);
    expect(memory.isRefused(chain(7), 'kernel 6.12')).toBe(false);
    expect(memory.isRefused(chain(8), 'kernel 6.1')).toBe(false);
  });

  it.each([
    ['refused', (memory: ChainMemory) => memory.refuse(chain(7), 'kernel 6.1')],
    ['failed for now', (memory: ChainMemory) => memory.markFailed(chain(7))],
  ])('a revision that was %s after it was live is reported when it is live again', (_name, fail) => {
    const memory = new ChainMemory(path);
    memory.markReported(chain(7));
    fail(memory);
    expect(new ChainMemory(path).isReported(chain(7))).toBe(false);
  });

  it('starts anew when the file is damaged', () => {
    writeFileSync(path, '{"desired":');
    expect(new ChainMemory(path).all()).toEqual([]);
  });
});
