import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../compile/compile';
import { bundledHeaders } from '../sandbox/bundled-headers';
import { findVerifier, HostKernel } from './host-kernel';

const root = join(__dirname, '../../../..');

describe('the kernel of this machine', () => {
  let workDir: string;
  const logs: string[] = [];
  const command = findVerifier(undefined) ?? [];
  beforeAll(() => {
    workDir = mkdtempSync(join(tmpdir(), 'l3af-verify-'));
    execFileSync(process.execPath, [join(root, 'infra/build.mjs')], { stdio: 'ignore' });
  });
  afterAll(() => rmSync(workDir, { recursive: true, force: true }));

  const statement = async (folder: string, name: string, tests: string[] = []) => {
    const target = { architecture: 'amd64', cpu: 'v2' } as const;
    const source = join(root, 'bpf', folder);
    const { object } = await compile({
      folder: source,
      source: `${name}.bpf.c`,
      target,
      flags: [],
      headers: bundledHeaders(undefined),
      workDir,
    });
    const files = tests.map((path) => ({ path, bytes: new Uint8Array(readFileSync(join(source, path))) }));
    const signal = new AbortController().signal;
    const keepLog = (text: string): Promise<string> => Promise.resolve(`log ${logs.push(text)}`);
    return new HostKernel(command, { workDir, keepLog }).verify({ object, tests: files, signal });
  };

  it('says that the kernel loads a KF, at what cost, and that its packet tests pass', async () => {
    const said = await statement('firewall', 'firewall', ['tests.yaml']);
    expect(said).toMatchObject({ loaded: true, tests: { failed: 0 } });
    expect(said.tests.passed).toBeGreaterThan(0);
    expect(said.programs.map(({ name }) => name)).toContain('firewall');
    expect(readdirSync(workDir)).toEqual([]);
  });

  it('says why the kernel refuses one', async () => {
    const said = await statement('corpus', 'unchecked-access');
    expect(said).toMatchObject({
      loaded: false,
      error: { code: 'verifier-refused', details: { log: 'log 1' } },
      programs: [{ loaded: false, instructions: 0 }],
    });
    expect(logs[0]).toContain('invalid access to packet');
  });
});
