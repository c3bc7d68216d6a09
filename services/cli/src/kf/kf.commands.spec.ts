import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firewallDetails, firewallPackage } from '../testing/package.answers';
import { message } from '../testing/messages';
import { capture } from '../testing/captured';
import { startFixedApi, type Answer } from '../testing/fixed-api';
import { expectGolden } from '../testing/golden';
import { parseGitUrl } from './git-url';
import { lastUsefulLine } from '../output/verifier-log';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'l3af-cli-'));
  writeFileSync(join(folder, 'drop.bpf.c'), 'int x;');
});
afterEach(() => rmSync(folder, { recursive: true }));

const name = () => folder.split('/').pop()!;
const digest = `sha256:${'a'.repeat(64)}`;
const build = { build: 'b1', sequence: 1, watch: '/v1/watch/b1', changed: true };
const catalogue = { 'GET /v1/packages/drop?minSequence=9': { json: {} } };
const progress = {
  build: 'b1',
  at: '2026-08-22T10:15:30Z',
  step: 'compile',
  target: 'v3',
  message: 'drop.bpf.c',
};
const diagnostic = { severity: 'warning', file: 'drop.bpf.c', line: 1, column: 5, message: 'unused' };
const succeeded = message(9, 'build.b1', {
  type: 'BuildSucceeded',
  data: {
    build: 'b1',
    name: 'drop',
    packageVersion: '0.0.0-123456789abc',
    digest,
    sourceDigest: digest,
    durationMs: 100,
    verifiesOn: ['6.18.0', '6.1'],
    diagnostics: [diagnostic],
  },
});
const failed = message(9, 'build.b1', {
  type: 'BuildFailed',
  data: {
    build: 'b1',
    error: { code: 'build-failed', message: 'Cannot compile "drop.bpf.c": 1 error' },
    diagnostics: [{ ...diagnostic, severity: 'error', message: "use of undeclared identifier 'y'" }],
    log: { bucket: 'l3af-logs', digest, sizeBytes: 1 },
  },
});

async function buildWith(end: unknown, args: string[] = [], more: Record<string, Answer | Answer[]> = {}) {
  const answers: Record<string, Answer | Answer[]> = {
    ...more,
    [`POST /v1/builds?fileName=${name()}.tar.gz`]: { json: build, status: 202 },
    'GET /v1/watch/b1': { events: [{ data: progress }, { data: progress }, { data: end }], open: true },
    ...catalogue,
  };
  await using api = await startFixedApi(answers);
  return { ...(await capture(['kf', 'build', folder, ...args, '--api', api.url])), seen: api.seen };
}

describe('kf build', () => {
  test('waits for kernels when it is told to; what no trusted key signed is no answer, and a refusal is a failure', async () => {
    const tests = { passed: 4, failed: 0, skipped: 0 };
    const said = (kernel: string, loaded: boolean, isTrusted = true) => ({
      ...{ kernel, architecture: 'amd64', objectDigest: digest, loaded, programs: [], tests },
      ...(!loaded && { error: { code: 'verifier-refused', message: 'R1 invalid mem access' } }),
      signer: isTrusted ? { keyId: 'k', name: 'builder' } : null,
    });
    const details = (...statements: object[]): Answer => ({ json: { ...firewallDetails, statements } });
    const path = `GET /v1/packages/drop/versions/${encodeURIComponent(digest)}`;
    const forged = said('6.1.9', true, false);
    const wait = (last: object) =>
      buildWith(succeeded, ['--verified'], {
        [path]: [details(forged), details(said('6.18.0', true), forged), details(last, said('6.18.0', true))],
      });
    const passed = await wait(said('6.1.0-50-cloud-amd64', true));
    expect(passed.code).toBe(0);
    expect(passed.stderr).toContain('verify (6.18.0): loaded, 4 packet tests passed, 0 failed');
    expect(passed.stderr).toContain('verify (6.1.0-50-cloud-amd64): loaded');
    const refused = await wait(said('6.1.0-50-cloud-amd64', false));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('6.1.0-50-cloud-amd64: refused: R1 invalid mem access');
    expect(refused.stdout).toBe('');
  });

  test('-o json prints name, version and digest alone; progress and warnings go to stderr', async () => {
    const { code, stdout, stderr, seen } = await buildWith(succeeded, ['-o', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ name: 'drop', version: '0.0.0-123456789abc', digest });
    expect(stderr).toContain('compile (v3): drop.bpf.c\n');
    expect(stderr.match(/compile \(v3\)/g)).toHaveLength(1);
    expect(stderr).toContain('drop.bpf.c:1:5: warning: unused\n');
    expect(seen[0]!.headers['content-type']).toBe('application/gzip');
  });

  test('a failure prints the diagnostics as file:line:col and where the log is, and is 1', async () => {
    const { code, stderr } = await buildWith(failed);
    expect(code).toBe(1);
    expectGolden('build-failure.txt', stderr.replaceAll(folder, 'FOLDER'));
  });

  test('a git URL goes as JSON, with its ref and folder', async () => {
    await using api = await startFixedApi({ 'POST /v1/builds': { json: build, status: 202 } });
    const url = 'https://example.org/kfs.git#v1.0:drop';
    const { code, stdout } = await capture([
      'kf',
      'build',
      url,
      '--no-wait',
      '--version',
      '1.0',
      '--api',
      api.url,
    ]);
    expect(code).toBe(0);
    expect(stdout).toBe('b1\n');
    expect(JSON.parse(api.seen[0]!.body.toString())).toEqual({
      git: { url: 'https://example.org/kfs.git', ref: 'v1.0', folder: 'drop' },
      version: '1.0',
    });
  });

  test.each([
    ['https://h/r.git', { url: 'https://h/r.git' }],
    ['file:///srv/r#main', { url: 'file:///srv/r', ref: 'main' }],
    ['git@h:o/r.git#:kf', { url: 'git@h:o/r.git', folder: 'kf' }],
    ['./folder', undefined],
    ['folder:x', undefined],
  ])('parseGitUrl() reads %s', (text, source) => expect(parseGitUrl(text)).toEqual(source));
});

test('kf list shows the newest version that is not yanked, and marks what is only there yanked', async () => {
  const [yanked, newest] = firewallPackage.versions;
  const gone = { ...firewallPackage, name: 'gone', versions: [yanked] };
  await using api = await startFixedApi({ 'GET /v1/packages': { json: [firewallPackage, gone] } });
  const { stdout } = await capture(['kf', 'list', '--api', api.url]);
  expect(stdout).toMatch(new RegExp(`^firewall +${newest!.version} +2 `, 'm'));
  expect(stdout).toMatch(new RegExp(`^gone +${yanked!.version} \\(yanked\\) +1 `, 'm'));
});

describe('kf publish', () => {
  test('sends the object as it is, with the name and version that were asked for', async () => {
    const path = join(folder, 'x.o');
    writeFileSync(path, Buffer.from([1, 2, 3]));
    await using api = await startFixedApi({
      'POST /v1/packages?fileName=x.o&name=y&version=2.0': { json: build, status: 202 },
      'GET /v1/watch/b1': { events: [{ data: succeeded }] },
      ...catalogue,
    });
    const args = ['kf', 'publish', path, '--name', 'y', '--version', '2.0', '--api', api.url];
    expect((await capture(args)).stdout).toBe(`drop@0.0.0-123456789abc ${digest}\n`);
    expect([...api.seen[0]!.body]).toEqual([1, 2, 3]);
  });

  test('is what building a compiled object comes to; a file that is nothing is refused with what is', async () => {
    const path = join(folder, 'x.o');
    writeFileSync(path, '\x7fELF and so on');
    await using api = await startFixedApi({
      'POST /v1/packages?fileName=x.o': { json: build, status: 202 },
      'GET /v1/watch/b1': { events: [{ data: succeeded }] },
      ...catalogue,
    });
    const built = await capture(['kf', 'build', path, '--api', api.url]);
    expect(built.stdout).toBe(`drop@0.0.0-123456789abc ${digest}\n`);
    expect(api.seen[0]!.body.toString()).toBe('\x7fELF and so on');
    for (const [name, content] of Object.entries({
      'garbage.o': 'garbage',
      'empty.o': '',
      'x.c': 'int x;',
    })) {
      writeFileSync(join(folder, name), content);
      const { code, stderr } = await capture(['kf', 'build', join(folder, name), '--api', api.url]);
      expect(code).toBe(1);
      expect(stderr).toContain('it is no NAME.bpf.c, no tar or tar.gz, and no compiled object');
      expect(stderr).toMatch(/hint: +Name a folder with a kf\.yaml/);
    }
  });

  test('a file that is missing or empty is refused before anything is sent', async () => {
    expect((await capture(['kf', 'publish', join(folder, 'none.o')])).stderr).toContain('ENOENT');
    writeFileSync(join(folder, 'empty.o'), '');
    expect((await capture(['kf', 'publish', join(folder, 'empty.o')])).stderr).toContain('it is empty');
    expect((await capture(['kf', 'publish', folder])).stderr).toContain('it is a folder');
  });
});

describe('kf show', () => {
  test('NAME@VERSION is that version; one that is not there is refused', async () => {
    await using api = await startFixedApi({
      'GET /v1/packages/team%2Ffirewall': { json: firewallPackage },
      'GET /v1/packages/team%2Ffirewall/versions/1.2.0': { json: firewallDetails },
    });
    const show = (text: string) => capture(['kf', 'show', text, '-o', 'json', '--api', api.url]);
    expect(JSON.parse((await show('team/firewall@1.2.0')).stdout).digest).toBe(
      firewallPackage.versions[1]!.digest,
    );
    expect(JSON.parse((await show('team/firewall@1.2.0')).stdout)).toEqual(firewallDetails);
    expect(JSON.parse((await show('team/firewall')).stdout).versions).toHaveLength(2);
    expect((await show('team/firewall@9')).stderr).toContain(
      'Cannot use package "firewall@9": no such version',
    );
  });
});

test('lastUsefulLine() passes over statistics and blank lines', () => {
  const log = ['0: R1=ctx()', 'invalid access to packet', 'processed 5 insns (limit 1000000) max_states', ''];
  expect(lastUsefulLine(log)).toBe('invalid access to packet');
  expect(lastUsefulLine(['processed 5 insns'])).toBeUndefined();
});
