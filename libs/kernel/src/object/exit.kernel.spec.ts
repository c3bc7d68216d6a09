import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileBpf } from '@l3af/testing';
import { childArguments, countingKf, xdpPass } from '../chain/chain-fixture';

describe('a process that ends while an object is loaded', () => {
  const folder = mkdtempSync(join(tmpdir(), 'l3af-exit-'));
  const path = join(folder, 'kf.o');
  let child: ChildProcess | undefined;
  beforeAll(() => writeFileSync(path, compileBpf(countingKf(xdpPass))));
  afterEach(() => child?.kill('SIGKILL'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['exit', 7, /^$/],
    ['throw', 1, /Error: thrown meanwhile/],
  ])('does not wait for the load: %s', async (how, code, says) => {
    child = spawn(process.execPath, [...childArguments(join(__dirname, 'exit-child')), path, how], {
      env: { ...process.env, L3AF_EXIT_CHILD: '1' },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    const ended = new Promise((resolve) => child?.on('close', resolve));
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    expect(await ended).toBe(code);
    expect(said).toMatch(says);
  });
});
