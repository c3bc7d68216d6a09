import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { symlinkSync } from 'node:fs';
import type { BuildSource } from '@l3af/contracts';
import { freePort, startNats } from '@l3af/testing';
import { archiveOf } from '../testing/archive';
import { startEngine, type TestEngine } from '../testing/engine';
import { makeRepository } from '../testing/git-repository';

const good =
  '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nSEC("xdp") int pass(void *c) { return XDP_PASS; }\nchar l[] SEC("license") = "GPL";\n';
const manifest = (lines: string): string =>
  `apiVersion: l3af/v1\nkind: KernelFunction\nname: x\nversion: "1"\n${lines}\n`;

describe('hostile sources', () => {
  let engine: TestEngine;
  let secret: string;
  let count = 0;
  beforeAll(async () => {
    engine = await startEngine({ nats: await startNats(), registryPort: await freePort() });
    await engine.worker();
    secret = mkdtempSync(join(tmpdir(), 'l3af-secret-'));
    writeFileSync(join(secret, 'secret.h'), 'int leaked_secret;\n');
  });
  afterAll(async () => {
    await engine.stop();
    rmSync(secret, { recursive: true, force: true });
  });

  const outcome = async (source: BuildSource) => {
    const id = `attack-${++count}`;
    await engine.request(id, source);
    return engine.outcome(id);
  };
  const error = async (files: Parameters<typeof archiveOf>[0], folder?: string) => {
    const source = await engine.archive(await archiveOf(files));
    const { type, data } = await outcome({
      ...source,
      ...(folder !== undefined && { folder }),
    });
    if (type === 'BuildSucceeded') throw new Error('the build succeeded');
    expect(JSON.stringify(data)).not.toContain('leaked_secret');
    return `${data.error.code}: ${data.error.message}`;
  };
  const source = (text: string) => error({ 'kf.bpf.c': text });

  describe('that read the host', () => {
    it.each([
      '/etc/passwd',
      '/proc/self/environ',
      '/dev/zero',
      '/root/.bashrc',
      '../../../../../../etc/passwd',
    ])('by #include of %s', async (path) => {
      const found = `kf.bpf.c:1:10: '${path}' file not found`;
      expect(await source(`#include "${path}"\n`)).toBe(
        `build-failed: Cannot compile source "kf.bpf.c": ${found}`,
      );
    });

    it('by #include of a file of the builder, its key among them', async () => {
      expect(await source(`#include "${secret}/secret.h"\n`)).toContain('file not found');
      expect(await source(`#include "${engine.settings.signingKey}"\n`)).toContain('file not found');
    });

    it('by #embed, .incbin and .include', async () => {
      expect(await source('char x[] = {\n#embed "/etc/passwd"\n};\n')).toMatch(
        /^build-failed: .*kf\.bpf\.c:2:/,
      );
      expect(await source('asm(".incbin \\"/etc/passwd\\"");\n')).toContain(
        "Could not find incbin file '/etc/passwd'",
      );
      expect(await source('asm(".include \\"/etc/passwd\\"");\n')).toContain(
        "Could not find include file '/etc/passwd'",
      );
    });

    it('by symbolic links', async () => {
      const outside = /^source-unavailable: .*leads out of the source|which is not there/;
      expect(await error({ 'kf.bpf.c': good, 'x.h': { link: '/etc/passwd' } })).toMatch(outside);
      expect(await error({ 'kf.bpf.c': { link: '/etc/passwd' } })).toMatch(outside);
      expect(await error({ 'kf.bpf.c': good, 'kf.yaml': { link: '../../../../etc/passwd' } })).toMatch(
        outside,
      );
      // Each link stays inside by its text; together they do not.
      const climbing = {
        'a/b/c/up': { link: '../../..' },
        'p/far': { link: '../a/b/c/up/../..' },
        'kf.bpf.c': good,
      };
      expect(await error(climbing)).toMatch(outside);
    });

    it('by compiler flags', async () => {
      for (const flag of [
        '-include/etc/passwd',
        '-I/etc',
        '-I../..',
        '-fplugin=/tmp/x.so',
        '@/etc/passwd',
        '-Wp,-MD,/x',
        '-o/x',
        '-B/x',
        '--sysroot=/',
      ]) {
        const text = manifest(`flags: [${JSON.stringify(flag)}]`);
        expect(await error({ 'kf.bpf.c': good, 'kf.yaml': text })).toMatch(
          /^invalid-manifest: .*line \d+: flags.0: .* is not on the list of safe flags/,
        );
      }
    });
  });

  describe('whose names lead elsewhere', () => {
    it.each(['/etc/l3af-attack.bpf.c', '../l3af-attack.bpf.c', 'a/../../l3af-attack.bpf.c'])(
      'in an archive: %s',
      async (name) => {
        expect(await error({ [name]: good })).toMatch(
          /^source-unavailable: .*its path leads out of the archive/,
        );
        expect(existsSync('/etc/l3af-attack.bpf.c')).toBe(false);
      },
    );

    it('through a link of the archive', async () => {
      expect(await error({ out: { link: '/tmp' }, 'out/l3af-attack.bpf.c': good })).toMatch(
        /^source-unavailable: .*the archive has it twice/,
      );
      expect(existsSync('/tmp/l3af-attack.bpf.c')).toBe(false);
    });

    it('by devices and hard links', async () => {
      expect(await error({ 'x.bpf.c': { header: { type: 'character-device' } } })).toContain(
        'it is a character-device',
      );
      expect(await error({ 'x.bpf.c': { header: { type: 'link', linkname: '/etc/passwd' } } })).toContain(
        'it is a link',
      );
    });

    it('in the folder that is asked for', async () => {
      expect(await error({ 'a/kf.bpf.c': good }, '../../..')).toContain('it leads out of the source');
      expect(await error({ 'a/kf.bpf.c': good }, '/etc')).toContain('the source has no such folder');
    });
  });

  describe('that are too much', () => {
    it('of lines', async () => {
      expect(await source('int a;\n'.repeat(10_000_000))).toMatch(
        /^build-limit: .*kf\.bpf\.c has 70000000 bytes, needs at most/,
      );
    });

    it('of memory', async () => {
      const powers = Array.from({ length: 40 }, (_, i) => `#define A${i + 1} A${i} A${i}`).join('\n');
      expect(await source(`#define A0 "aaaaaaaaaaaaaaaa"\n${powers}\nchar x[] = A40;\n`)).toMatch(
        /^build-limit: .*(of memory|CPU time)/,
      );
    });

    it('of output', async () => {
      expect(await source('char x[64 * 1024 * 1024] = {1};\n')).toMatch(
        /^build-limit: .*its output is larger than 16 MiB/,
      );
    });

    it('of includes, brackets and warnings', async () => {
      expect(await source('#include "kf.bpf.c"\n')).toContain('#include nested too deeply');
      expect(await source(`int f(void) { return ${'('.repeat(100_000)}1; }`)).toContain(
        'bracket nesting level exceeded',
      );
      expect(await source(`int f(int a) { return ${'!'.repeat(300_000)}a; }`)).toMatch(
        /^build-(failed|limit): .*/,
      );
      expect(await source(`${'#warning long and loud\n'.repeat(100_000)}int x = y;\n`)).toMatch(
        /build-failed: .*undeclared identifier/,
      );
    });

    it('of files, and of nothing at all', async () => {
      const files = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`f${index}`, '']));
      expect(await error(files)).toMatch(/^build-limit: .*more than 10000 files/);
      expect(await error({})).toMatch(/^invalid-manifest: .*the source has none in its root/);
      const garbage = await engine.archive(Buffer.from('this is no archive'));
      expect((await outcome(garbage)).data).toMatchObject({ error: { code: 'source-unavailable' } });
    });
  });

  describe('in git repositories', () => {
    const clone = async (url: string, more: { ref?: string; folder?: string } = {}) => {
      const { type, data } = await outcome({ kind: 'git', url, ...more });
      return type === 'BuildSucceeded' ? 'succeeded' : `${data.error.code}: ${data.error.message}`;
    };

    it('that bring hooks, and submodules with commands for URLs', async () => {
      const repository = makeRepository();
      const proof = join(repository.folder, 'proof');
      try {
        repository.commit({ 'kf.bpf.c': good, '.githooks/post-checkout': `#!/bin/sh\ntouch ${proof}\n` });
        repository.git('config', 'core.hooksPath', '.githooks');
        expect(await clone(repository.url)).toBe('succeeded');
        for (const url of [
          `ext::sh -c "touch ${proof}"`,
          `-u./evil`,
          'http://127.0.0.1:1/x',
          'git://127.0.0.1/x',
        ]) {
          writeFileSync(
            join(repository.folder, '.gitmodules'),
            `[submodule "s"]\n\tpath = s\n\turl = ${JSON.stringify(url)}\n`,
          );
          repository.git(
            'update-index',
            '--add',
            '--cacheinfo',
            `160000,${repository.git('rev-parse', 'HEAD')},s`,
          );
          repository.git('add', '.gitmodules');
          repository.git('commit', '--quiet', '--message', 'submodule');
          expect(await clone(repository.url)).toMatch(/^source-unavailable: Cannot fetch git repository/);
        }
        expect(existsSync(proof)).toBe(false);
      } finally {
        repository.remove();
      }
    });

    it('whose links lead outside', async () => {
      const repository = makeRepository();
      try {
        symlinkSync('/etc/passwd', join(repository.folder, 'x.h'));
        repository.commit({ 'kf.bpf.c': good });
        expect(await clone(repository.url)).toMatch(/^source-unavailable: .*leads out of the source/);
      } finally {
        repository.remove();
      }
    });

    it.each([
      ['--upload-pack=touch /tmp/l3af-attack', undefined],
      ['ext::sh -c touch% /tmp/l3af-attack', undefined],
      ['https://user:password@127.0.0.1/x.git', undefined],
      ['http://127.0.0.1:1/x.git', undefined],
      ['file:///nowhere', undefined],
      ['file:///nowhere', '--upload-pack=touch /tmp/l3af-attack'],
      ['file:///nowhere', 'a..b'],
    ])('with the URL %s and ref %s', async (url, ref) => {
      const answer = await clone(url, ref === undefined ? {} : { ref });
      expect(answer).toMatch(/^source-unavailable: Cannot fetch git repository/);
      expect(answer).not.toContain('password');
      expect(existsSync('/tmp/l3af-attack')).toBe(false);
    });
  });

  it('leave a builder that goes on', async () => {
    const { type } = await outcome(await engine.archive(await archiveOf({ 'kf.bpf.c': good })));
    expect(type).toBe('BuildSucceeded');
  });
});
