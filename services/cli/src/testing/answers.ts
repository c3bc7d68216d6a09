import {
  buildViewSchema,
  chainHistoryEntrySchema,
  chainViewSchema,
  explanationSchema,
  liveExplanationSchema,
  timingSchema,
  nodeViewSchema,
  projectionStatusSchema,
  statusViewSchema,
} from '@l3af/contracts';
import { z } from 'zod';

// Fixed answers of the API; each is checked by the schema that the API itself is bound to.
const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const at = '2026-08-22T10:15:30.123Z';

const kf = (name: string, packageName: string, version: string) => ({
  name,
  package: packageName,
  version,
  digest: digest(version.startsWith('1.2') ? 'a' : 'b'),
  program: packageName,
  enabled: true,
  proceedOn: ['PASS'],
  config: {},
  state: 'keep' as const,
});
const firewall = kf('edge-firewall', 'firewall', '1.2.0');
const limit = { ...kf('fair-share', 'ratelimiting', '1.0.0'), enabled: false };
const counter = kf('flow-counter', 'flow-counter', '1.0.0');

export const liveChain = chainViewSchema.parse({
  node: 'demo-1',
  interface: 'l3af0',
  hook: 'xdp',
  desired: { revision: 7, sequence: 412, kfs: [firewall, limit, counter] },
  reported: {
    revision: 7,
    state: 'live',
    generation: 7,
    mode: 'native',
    at,
    kfs: [
      { name: 'edge-firewall', programId: 123, verdicts: { DROP: 15, ABORTED: 2 }, proceeded: 90210 },
      { name: 'fair-share', programId: 124, verdicts: { DROP: 0 }, proceeded: 90210 },
      { name: 'flow-counter', programId: 125, verdicts: {}, proceeded: 1234567 },
    ],
    warnings: ['native XDP is not available on l3af1'],
  },
});

export const rejectedChain = chainViewSchema.parse({
  node: 'demo-1',
  interface: 'l3af0',
  hook: 'tc-ingress',
  desired: { revision: 3, sequence: 420, kfs: [counter] },
  reported: {
    revision: 3,
    state: 'rejected',
    at,
    kfs: [],
    error: {
      code: 'verifier-refused',
      message: 'Cannot load KF "flow-counter": the verifier refused program "count"',
      hint: 'The kernel told why',
    },
    log: { bucket: 'l3af-logs', digest: digest('c'), sizeBytes: 81234 },
  },
});

export const emptyChain = chainViewSchema.parse({
  node: 'demo-1',
  interface: 'l3af0',
  hook: 'tc-egress',
  desired: { revision: 2, sequence: 9, kfs: [] },
  reported: null,
});

export const history = z.array(chainHistoryEntrySchema).parse([
  {
    sequence: 412,
    at,
    actor: 'alice',
    revision: 7,
    change: { kind: 'move', summary: 'move flow-counter from 1 to 3', reason: 'count what is left' },
    kfs: [firewall, limit, counter],
    outcome: 'applied',
  },
  {
    sequence: 411,
    at,
    actor: 'bob',
    revision: 6,
    change: { kind: 'insert', summary: 'insert flow-counter at 1' },
    kfs: [counter, firewall, limit],
    outcome: 'rejected',
    error: { code: 'kernel-error', message: 'Cannot attach chain "demo-1/l3af0/xdp": EBUSY' },
  },
]);

export const nodes = z.array(nodeViewSchema).parse([
  {
    name: 'demo-1',
    labels: { region: 'eu', rack: 'r7' },
    kernel: '6.18.0-cloud-amd64',
    architecture: 'x86_64',
    interfaces: [{ name: 'l3af0', ifindex: 2, mtu: 1500, mac: '02:00:00:00:00:01', up: true, kind: 'veth' }],
    features: { tcx: true },
    registeredAt: at,
    lastSeenAt: at,
    state: 'ready',
    rssBytes: 65 * 1024 * 1024,
  },
  {
    name: 'edge-2',
    labels: {},
    kernel: '5.10.0-32-amd64',
    architecture: 'x86_64',
    interfaces: ['eth0', 'eth1', 'eth0.100', 'bond0', 'br-internal', 'wg0'].map((name, index) => ({
      name,
      ifindex: index + 1,
      mtu: 1500,
      mac: '02:00:00:00:00:02',
      up: true,
    })),
    features: { tcx: false },
    registeredAt: at,
    lastSeenAt: null,
    state: 'silent',
    rssBytes: null,
  },
]);

export const builds = z.array(buildViewSchema).parse([
  {
    id: '0198c000-0000-7000-8000-000000000001',
    state: 'succeeded',
    requestedAt: at,
    requestedBy: 'alice',
    builder: 'builder-1',
    name: 'firewall',
    version: '1.2.0',
    digest: digest('a'),
    error: null,
    diagnostics: [],
    log: null,
    durationMs: 812,
  },
  {
    id: '0198c000-0000-7000-8000-000000000002',
    state: 'failed',
    requestedAt: at,
    requestedBy: 'bob',
    builder: 'builder-1',
    name: null,
    version: null,
    digest: null,
    error: { code: 'build-failed', message: 'Cannot compile "drop.bpf.c": 1 error' },
    diagnostics: [],
    log: null,
    durationMs: 240,
  },
]);

export const projections = z.array(projectionStatusSchema).parse([
  { name: 'chains', sequence: 1234, lag: 0, state: 'running', error: null },
  {
    name: 'packages',
    sequence: 1200,
    lag: 34,
    state: 'stopped',
    error: { sequence: 1201, message: 'Cannot read event "PackagePublished" version 9: no such version' },
  },
]);

export const status = statusViewSchema.parse({
  bus: { connected: true, server: 'nats://127.0.0.1:8403', serverVersion: '2.9.10', reconnects: 0 },
  streamSequence: 1234,
  projections,
  registry: { url: 'http://127.0.0.1:8402', reachable: true },
  builders: { idle: 2, busy: 1, queued: 14 },
  nodes: nodes.map(({ name, state, lastSeenAt, rssBytes }) => ({ name, state, lastSeenAt, rssBytes })),
  problems: [{ code: 'node-silent', message: 'Node "edge-2" has not been heard for 15 s' }],
});

export const timing = timingSchema.parse({
  interface: 'l3af0',
  hook: 'xdp',
  revision: 7,
  seconds: 2,
  kfs: [
    { name: 'edge-firewall', nanoseconds: 41.4, packets: 12_800 },
    { name: 'fair-share', nanoseconds: null, packets: 0 },
  ],
});

export const explanation = explanationSchema.parse({
  interface: 'l3af0',
  hook: 'xdp',
  revision: 7,
  generation: 7,
  steps: [
    {
      kf: 'edge-firewall',
      package: 'firewall',
      version: '1.2.0',
      verdict: 'PASS',
      proceeded: true,
      nanoseconds: 42,
      changes: [],
      lengthBefore: 60,
      lengthAfter: 60,
      notes: ['map events (ringbuf) starts empty'],
    },
    {
      kf: 'fair-share',
      package: 'ratelimiting',
      version: '1.0.0',
      proceeded: true,
      changes: [],
      lengthBefore: 60,
      lengthAfter: 60,
      notes: ['switched off'],
    },
    {
      kf: 'stamp',
      package: 'stamp',
      version: '1.0.0',
      verdict: 'TX',
      proceeded: false,
      nanoseconds: 1234,
      changes: [
        { offset: 0, before: '020000000001', after: '020000000002' },
        { offset: 22, before: '40', after: '3f' },
      ],
      lengthBefore: 60,
      lengthAfter: 64,
      notes: [],
    },
  ],
  verdict: 'TX',
  leftAt: 'stamp',
  packet: '02'.repeat(64),
});

/** A packet of a live chain: UDP in a VLAN, of which the first bytes were recorded. */
export const liveExplanation = liveExplanationSchema.parse({
  ...explanation,
  steps: explanation.steps.map((step) => ({ ...step, notes: step.verdict === undefined ? step.notes : [] })),
  number: 1,
  at,
  arrived: `02005e00000202005e000001810000640800${'4500005c000100003f110000c0000201c0000202'}03e807d000480000${'00'.repeat(82)}`,
  packet: '00'.repeat(128),
  lengthBefore: 1400,
  lengthAfter: 1404,
});

export const trust = {
  group: 'default',
  signers: [
    {
      name: 'ann',
      publicKey:
        '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n',
      packages: ['team/*', 'firewall'],
    },
  ],
  identities: [
    {
      name: 'pipeline',
      identity: 'https://ci.example.org/*',
      issuer: 'https://ci.example.org',
      root: 'ours',
      packages: ['*'],
    },
  ],
  trustedRoots: [{ name: 'ours', root: {} }],
  revoked: ['https://ci.example.org/*', 'bob@example.org'],
};

export const policy = {
  ...{ group: 'edge', onDrift: 'leave', onRevokedKey: 'evict', probationSeconds: 60 },
};
