import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createVethPair, waitFor } from '@l3af/testing';
import { childArguments } from '../chain/chain-fixture';
import { listInterfaces, watchInterfaces } from '../index';
import type { InterfaceChange } from '../types';

test('interfaces of a namespace are listed, and their coming and going is told', async () => {
  using pair = createVethPair({ prefix: 'l3afk' });
  expect(listInterfaces(pair.netnsPath)).toEqual(
    expect.arrayContaining([
      { name: pair.name, ifindex: pair.ifindex, mtu: 1500, mac: pair.mac, up: true, kind: 'veth' },
      expect.objectContaining({ name: 'lo', ifindex: 1, up: true }),
    ]),
  );
  expect(listInterfaces().map(({ ifindex }) => ifindex)).toContain(1);
  const changes: InterfaceChange[] = [];
  const watch = watchInterfaces(pair.netnsPath, (change) => changes.push(change));
  const seen = (type: string, name: string): boolean =>
    changes.some((change) => change.type === type && 'interface' in change && change.interface.name === name);
  try {
    const ip = (words: string): unknown => execFileSync('ip', ['-n', pair.netns, ...words.split(' ')]);
    ip('link add v1 type veth peer name v2');
    await waitFor(() => seen('added', 'v1') && seen('added', 'v2'), 'the new pair');
    ip('link set v1 name v3');
    await waitFor(() => seen('added', 'v3'), 'the new name');
    ip('link delete v3');
    await waitFor(() => seen('removed', 'v3'), 'the removed interface');
  } finally {
    watch.close();
  }
});

let started: ChildProcess | undefined;
afterEach(() => void started?.kill('SIGKILL'));

test('what the callback throws is not lost', async () => {
  using pair = createVethPair({ prefix: 'l3afk' });
  const library = join(__dirname, '../index');
  const watch = `watchInterfaces(${JSON.stringify(pair.netnsPath)}, () => { throw new Error('thrown there'); })`;
  const code = `const { watchInterfaces } = require(${JSON.stringify(library)}); ${watch}; console.log('watching')`;
  const child = spawn(process.execPath, [...childArguments(library).slice(0, -1), '-e', code]);
  started = child;
  const ended = once(child, 'close');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await Promise.race([once(child.stdout, 'data'), ended]);
  execFileSync('ip', ['-n', pair.netns, 'link', 'set', 'lo', 'mtu', '60000']);
  expect((await ended)[0]).toBe(1);
  expect(said).toContain('Error: thrown there');
});
