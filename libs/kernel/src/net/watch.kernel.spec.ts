import { execFileSync } from 'node:child_process';
import { createVethPair, waitFor } from '@l3af/testing';
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
