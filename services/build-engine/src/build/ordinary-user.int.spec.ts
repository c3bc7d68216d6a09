import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, readdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, skipUnless, startNats } from '@l3af/testing';
import { archiveOf } from '../testing/archive';
import { buildAll, startEngine, startProcessAs } from '../testing/engine';
import { makeRepository } from '../testing/git-repository';

/** A user that nobody is, and what it can do here: run node, and make user namespaces, without which there is no sandbox. */
const user = 1_899_999_999;
const can = (...command: string[]): boolean =>
  spawnSync('setpriv', [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', ...command]).status === 0;
const isPossible =
  process.getuid?.() === 0 &&
  can(process.execPath, '--version') &&
  can('bwrap', '--unshare-user', '--ro-bind', '/', '/', 'true');

const source = (body: string): string =>
  `#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nSEC("xdp") int pass(void *c) { ${body} }\nchar l[] SEC("license") = "GPL";\n`;
const manifest = 'apiVersion: l3af/v1\nkind: KernelFunction\nname: pass\nversion: 1.0.0\n';
const userspace = 'userspace: [{name: agent, language: c, source: agent.c}]\n';

describe('a builder that is an ordinary user', () => {
  const it = skipUnless(isPossible, 'no ordinary user can run a sandbox here');

  it('builds folders, repositories and userspace programs, and keeps the host out of them', async () => {
    await buildAll();
    const engine = await startEngine({ nats: await startNats(), registryPort: await freePort() });
    const repository = makeRepository();
    const { workDir, signingKey } = engine.settings;
    for (const path of [workDir, signingKey]) await chown(path, user, user);
    const place = await mkdtemp(join(tmpdir(), 'l3af-clone-'));
    await chmod(place, 0o755);
    const builder = startProcessAs(user, place, engine);
    try {
      const files = {
        'kf.yaml': manifest + userspace,
        'kf.bpf.c': source('return XDP_PASS;'),
        'agent.c': 'int main(void) { return 0; }\n',
      };
      await engine.request('mine', await engine.archive(await archiveOf(files)));
      const mine = await engine.outcome('mine');
      expect(mine).toMatchObject({ type: 'BuildSucceeded', data: { name: 'pass', packageVersion: '1.0.0' } });

      const thief = { 'kf.bpf.c': `#include "/etc/passwd"\n${source('return XDP_PASS;')}` };
      await engine.request('thief', await engine.archive(await archiveOf(thief)));
      expect(await engine.outcome('thief')).toMatchObject({
        data: { error: { code: 'build-failed', message: expect.stringContaining('file not found') } },
      });

      repository.commit({ 'kf.bpf.c': source('return XDP_DROP;') });
      spawnSync('chmod', ['-R', 'a+rX', repository.folder]);
      await engine.request('cloned', { kind: 'git', url: repository.url }, { name: 'cloned' });
      expect(await engine.outcome('cloned')).toMatchObject({ type: 'BuildSucceeded' });
    } finally {
      builder.kill();
      await once(builder, 'exit');
      repository.remove();
      await rmdir(place);
    }
    const left = (await readdir(workDir)).filter((name) => /^\d+-/.test(name));
    expect(left).toEqual([]);
    await engine.stop();
  });
});
