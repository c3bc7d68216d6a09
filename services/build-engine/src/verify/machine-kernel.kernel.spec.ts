import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VerifiedStatement } from '@l3af/contracts';
import { skipUnless } from '@l3af/testing';
import { compile } from '../compile/compile';
import { bundledHeaders } from '../sandbox/bundled-headers';
import { findBeside } from './host-kernel';
import { listMachines, MachineKernel, Turns } from './machine-kernel';

jest.setTimeout(1_200_000);

const root = join(__dirname, '../../../..');
const version = '6.1';

/** Downloads the kernel when the cache has none, as a builder does that is told to use it. */
function isBootable(): boolean {
  if (spawnSync('qemu-system-x86_64', ['--version']).error) return false;
  const script = `import { fetchKernel, matrix } from '${root}/infra/vm/kernels.mjs';
    fetchKernel(matrix.find((entry) => entry.version === '${version}'), () => undefined);`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' }).status === 0;
}

describe('a kernel that a virtual machine boots', () => {
  const it = skipUnless(isBootable(), `Linux ${version} cannot be booted here`);
  const command = findBeside('infra/vm/verify.mjs') ?? [];
  const signal = new AbortController().signal;
  let workDir: string;
  beforeAll(() => {
    workDir = mkdtempSync(join(tmpdir(), 'l3af-machine-'));
    execFileSync(process.execPath, [join(root, 'infra/build.mjs')], { stdio: 'ignore' });
  });
  afterAll(() => rmSync(workDir, { recursive: true, force: true }));

  it('is one of those that the builder can ask', async () => {
    expect(await listMachines(command, signal)).toContainEqual({ version, ready: true });
  });

  it('says of each object whether it loads and passes its packet tests, and nothing of time', async () => {
    const logs: string[] = [];
    const keepLog = (text: string): Promise<string> => Promise.resolve(`log ${logs.push(text)}`);
    const kernel = new MachineKernel(version, command, { workDir, keepLog, turns: new Turns() });
    const statement = async (folder: string, name: string, tests: string[]): Promise<VerifiedStatement> => {
      const source = join(root, 'bpf', folder);
      const { object } = await compile({
        ...{
          folder: source,
          source: `${name}.bpf.c`,
          flags: [],
          headers: bundledHeaders(undefined),
          workDir,
        },
        target: { architecture: 'amd64', cpu: 'v2' },
      });
      const files = tests.map((path) => ({ path, bytes: new Uint8Array(readFileSync(join(source, path))) }));
      return kernel.verify({ object, tests: files, signal });
    };
    const [loaded, refused] = await Promise.all([
      statement('firewall', 'firewall', ['tests.yaml']),
      statement('corpus', 'unchecked-access', []),
    ]);
    expect(loaded).toMatchObject({ architecture: 'amd64', loaded: true, tests: { failed: 0 } });
    expect(kernel.is(loaded.kernel)).toBe(true);
    expect(loaded.tests.passed).toBeGreaterThan(0);
    expect(loaded.programs.map(({ name }) => name)).toContain('firewall');
    for (const program of loaded.programs) {
      expect(program.instructions).toBeGreaterThan(0);
      expect(program).not.toHaveProperty('nanosecondsPerPacket');
    }
    expect(refused).toMatchObject({
      ...{ kernel: loaded.kernel, loaded: false, programs: [{ loaded: false, instructions: 0 }] },
      error: { code: 'verifier-refused', details: { log: 'log 1' } },
    });
    expect(logs[0]).toContain('invalid access to packet');
    expect(readdirSync(workDir)).toEqual([]);
  });
});
