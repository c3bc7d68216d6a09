import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { childArguments } from './chain-fixture';
import { rehearsal } from './crash-fork';

test('a fork of node has all of its memory, also what was taken since it began', () => {
  const grow = [2000, 1, 3000].flatMap((blocks) => [`${rehearsal}${blocks}`, String(blocks)]);
  const args = ['--single-threaded', ...childArguments(join(__dirname, 'fork-child'))];
  const { stdout } = spawnSync(process.execPath, args, {
    input: grow.map((line) => `${line}\n`).join(''),
    encoding: 'utf8',
    env: { ...process.env, L3AF_FORK_CHILD: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said = [2000, 4000, 2001, 2002, 5001, 8001].map((blocks) => `0 left out, ${blocks} blocks`);
  const ended = '{"signal":0,"code":0}';
  expect(stdout.trimEnd().split('\n')).toEqual(said.flatMap((text) => [text, ended]));
});
