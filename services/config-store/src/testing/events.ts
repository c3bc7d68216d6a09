import type { ChainKey, DesiredKf, L3afEvent } from '@l3af/contracts';

// Events for specs, with all that the specs do not care about filled in.

export const demo = (interfaceName: string, node = 'demo-1'): ChainKey => ({
  node,
  interface: interfaceName,
  hook: 'xdp',
});

export const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;

export const desiredKf = (name: string): DesiredKf => ({
  ...{ name, package: name, version: '1.0.0', digest: digestOf('a'), program: name, enabled: true },
  ...{ proceedOn: ['PASS'], config: {}, state: 'keep' },
});

export const chainRevised = (key: ChainKey, revision: number, kfs: string[]): L3afEvent => ({
  type: 'ChainRevised',
  version: 1,
  data: {
    ...key,
    revision,
    change: { kind: 'apply', summary: `revision ${revision}` },
    kfs: kfs.map(desiredKf),
  },
});

export const chainDeleted = (key: ChainKey, revision: number): L3afEvent => ({
  type: 'ChainDeleted',
  version: 1,
  data: { ...key, revision, change: { kind: 'delete', summary: 'deleted' } },
});

export const chainApplied = (key: ChainKey, revision: number, kfs: string[]): L3afEvent => ({
  type: 'ChainApplied',
  version: 1,
  data: {
    ...{ ...key, revision, sequence: revision, generation: revision, mode: 'native', warnings: [] },
    kfs: kfs.map((name, i) => ({ name, digest: digestOf('a'), programId: 100 + i, enabled: true })),
    timings: { pullMs: 1, loadMs: 2, swapMs: 3, totalMs: 6 },
  },
});

export const chainRejected = (key: ChainKey, revision: number, message = 'refused'): L3afEvent => ({
  type: 'ChainRejected',
  version: 1,
  data: { ...key, revision, sequence: revision, error: { code: 'verifier-refused', message } },
});

export const nodeRegistered = (node: string, labels: Record<string, string> = {}): L3afEvent => ({
  type: 'NodeRegistered',
  version: 1,
  data: {
    ...{ node, labels, kernel: '6.1.0', architecture: 'x64', features: { tcx: false } },
    interfaces: [{ name: 'l3af0', ifindex: 2, mtu: 1500, mac: '02:00:00:00:00:01', up: true }],
    executor: { version: '0.1.0', instance: 'default' },
  },
});

export const packagePublished = (name: string, packageVersion: string, digest: string): L3afEvent => ({
  type: 'PackagePublished',
  version: 1,
  data: { name, packageVersion, digest, architectures: ['bpfel'], sizeBytes: 1000 },
});
