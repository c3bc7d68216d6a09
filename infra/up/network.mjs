// The demonstration's network: one namespace per end of a veth pair, `l3af0` in the node's and `peer0` in the peer's.
// Each home has its own pair of namespaces, so that the addresses may be the same in all.
import { existsSync, mkdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { run, succeeds } from '../setup/run.mjs';
import { endProcesses, identify, processesInNetns } from './processes.mjs';

/** Addresses inside the two namespaces. `stranger` is a second address of the peer that the demonstration's firewall denies. */
export const addresses = {
  node: { ipv4: '10.77.0.1', ipv6: 'fd77::1' },
  peer: { ipv4: '10.77.0.2', ipv6: 'fd77::2' },
  stranger: { ipv4: '203.0.113.7', ipv6: '2001:db8::7' },
};

const ip = (...args) => run('ip', args);
const batch = (netns, lines) =>
  run('ip', ['-n', netns, '-batch', '-'], { stdio: ['pipe', 'pipe', 'pipe'], input: lines.join('\n') });

function ensureNamespace(name) {
  if (existsSync(`/run/netns/${name}`) && succeeds('ip', ['-n', name, 'link', 'show', 'lo'])) return;
  // A name without a namespace behind it is what a crash in the middle of adding leaves.
  rmSync(`/run/netns/${name}`, { force: true });
  ip('netns', 'add', name);
}

const hasLink = (netns, link) => succeeds('ip', ['-n', netns, 'link', 'show', link]);

/** Makes the namespaces and the pair when they are not there; returns whether anything had to be made. */
export function ensureNetwork({ netns, peerNetns }) {
  if (hasLink(netns, 'l3af0') && hasLink(peerNetns, 'peer0')) return false;
  ensureNamespace(netns);
  ensureNamespace(peerNetns);
  // A pair of which one end is missing cannot be mended: its other end goes first.
  for (const [name, link] of [
    [netns, 'l3af0'],
    [peerNetns, 'peer0'],
  ]) {
    if (hasLink(name, link)) ip('-n', name, 'link', 'del', link);
  }
  ip('link', 'add', 'l3af0', 'netns', netns, 'type', 'veth', 'peer', 'name', 'peer0', 'netns', peerNetns);
  // nodad: an IPv6 address can be used at once, not a second later.
  batch(netns, [
    'link set lo up',
    `addr add ${addresses.node.ipv4}/24 dev l3af0`,
    `addr add ${addresses.node.ipv6}/64 dev l3af0 nodad`,
    'link set l3af0 up',
    `route add ${addresses.stranger.ipv4}/32 dev l3af0`,
    `route add ${addresses.stranger.ipv6}/128 dev l3af0`,
  ]);
  batch(peerNetns, [
    'link set lo up',
    `addr add ${addresses.peer.ipv4}/24 dev peer0`,
    `addr add ${addresses.peer.ipv6}/64 dev peer0 nodad`,
    `addr add ${addresses.stranger.ipv4}/32 dev peer0`,
    `addr add ${addresses.stranger.ipv6}/128 dev peer0 nodad`,
    'link set peer0 up',
  ]);
  return true;
}

/** Removes the namespaces, with whatever still runs in them. Attached cls_bpf filters go with them. */
export async function removeNetwork({ netns, peerNetns }) {
  for (const name of [netns, peerNetns]) {
    const path = `/run/netns/${name}`;
    if (!existsSync(path)) continue;
    const inside = processesInNetns(statSync(path).ino).map(identify).filter(Boolean);
    await endProcesses(inside, { graceMs: 2000 });
    run('ip', ['netns', 'del', name]);
  }
}

/** Mounts bpffs where pins live, when it is not mounted. */
export function ensureBpffs(path = '/sys/fs/bpf') {
  if (!existsSync(path)) mkdirSync(path, { recursive: true });
  if (run('stat', ['-f', '-c', '%T', path]).trim() === 'bpf_fs') return;
  run('mount', ['-t', 'bpf', 'bpf', path]);
}

/**
 * Removes every pin of an instance, and the folder of all instances with the last of them; a link that loses its last pin is detached
 * by the kernel.
 */
export function removePins(path) {
  rmSync(path, { recursive: true, force: true });
  try {
    rmdirSync(dirname(path));
  } catch (error) {
    // Other instances are in it, or it is gone with what was in it.
    if (!['ENOTEMPTY', 'ENOENT'].includes(error.code)) throw error;
  }
}
