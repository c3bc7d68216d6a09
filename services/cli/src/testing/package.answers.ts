import { packageDetailsSchema, packageViewSchema } from '@l3af/contracts';

// Fixed answers about a package; each is checked by the schema that the API itself is bound to.
const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const at = '2026-08-22T10:15:30.123Z';

const version = {
  name: 'firewall',
  publishedAt: at,
  architectures: ['bpfel'],
  sizeBytes: 24_576,
  description:
    'Denies packets by source prefix, destination prefix, and protocol with port. IPv4 and IPv6, XDP and TC.',
  license: 'GPL-2.0-only OR BSD-2-Clause',
  sourceDigest: digest('d'),
  signers: ['e'.repeat(64)],
  verified: [
    { kernel: '6.18.0', architecture: 'x86_64', loaded: true, error: null },
    {
      kernel: '5.10.0',
      architecture: 'x86_64',
      loaded: false,
      error: { code: 'verifier-refused', message: 'unknown func bpf_loop' },
    },
  ],
};
const u32 = { kind: 'int', bytes: 4, signed: false };
export const firewallPackage = packageViewSchema.parse({
  name: 'firewall',
  versions: [
    {
      ...version,
      version: '1.3.0',
      digest: digest('f'),
      yanked: 'drops IPv6 fragments',
      schema: null,
    },
    {
      ...version,
      version: '1.2.0',
      digest: digest('a'),
      yanked: null,
      schema: {
        programs: [
          { name: 'firewall', section: 'xdp', type: 'xdp' },
          { name: 'firewall_tc', section: 'tc', type: 'sched_cls' },
        ],
        maps: [
          {
            name: 'deny_sources',
            type: 'lpm_trie',
            keyBytes: 20,
            valueBytes: 4,
            entriesMax: 65536,
            flags: 1,
            key: {
              kind: 'struct',
              name: 'prefix',
              bytes: 20,
              fields: [
                { name: 'prefix_length', offset: 0, type: u32 },
                {
                  name: 'address',
                  offset: 4,
                  type: { kind: 'array', bytes: 16, length: 16, element: { ...u32, bytes: 1 } },
                },
              ],
            },
            value: u32,
          },
          { name: 'raw', type: 'hash', keyBytes: 6, valueBytes: 8, entriesMax: 16, flags: 0 },
        ],
        constants: [
          {
            name: 'default_action',
            section: '.rodata',
            offset: 0,
            type: { kind: 'enum', name: 'action', bytes: 4, values: { ACTION_PASS: 0, ACTION_DROP: 1 } },
          },
        ],
      },
    },
  ],
});

export const firewallDetails = packageDetailsSchema.parse({
  ...firewallPackage.versions[1],
  manifest: {
    ...{ apiVersion: 'l3af/v1', kind: 'KernelFunction', name: 'firewall', version: '1.2.0' },
    config: {
      deny_sources: { description: 'Packets from these prefixes are dropped' },
      default_action: { description: 'What becomes of packets that no rule names' },
    },
  },
  readme: '# firewall\n\nDenies packets.\n',
  statements: [
    {
      ...{ kernel: '6.18.0', architecture: 'x86_64', objectDigest: digest('9'), loaded: true },
      programs: [
        { name: 'firewall', hook: 'xdp', loaded: true, instructions: 1234, nanosecondsPerPacket: 41.7 },
        { name: 'firewall_tc', hook: 'tc-ingress', loaded: true, instructions: 1300 },
      ],
      tests: { passed: 12, failed: 0, skipped: 0 },
      signer: { keyId: 'e'.repeat(64), name: 'signing.pub' },
    },
    {
      ...{ kernel: '6.1.0', architecture: 'x86_64', objectDigest: digest('9'), loaded: false },
      programs: [{ name: 'firewall', hook: 'xdp', loaded: false, instructions: 0 }],
      tests: { passed: 0, failed: 0, skipped: 0 },
      signer: null,
    },
    {
      ...{ kernel: '5.10.0', architecture: 'x86_64', objectDigest: digest('9'), loaded: false },
      error: { code: 'verifier-refused', message: 'unknown func bpf_loop' },
      programs: [],
      tests: { passed: 0, failed: 0, skipped: 0 },
      signer: { keyId: 'e'.repeat(64), name: 'signing.pub' },
    },
  ],
  needs: {
    helpers: [
      { name: 'map_lookup_elem', kernel: '3.19' },
      { name: 'loop', kernel: '5.17' },
    ],
    maps: [{ name: 'lpm_trie', kernel: '4.11' }],
    programs: [{ name: 'xdp', kernel: '4.8' }],
    features: [],
    ...{ kernel: '5.17', instructions: { xdp: 812 }, byteOrder: 'little', hasBtf: true },
  },
  attachments: [
    { artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json', digest: digest('8') },
    { artifactType: 'application/vnd.l3af.readme.v1+markdown', digest: digest('7'), title: 'README.md' },
    { artifactType: 'application/spdx+json', digest: digest('6') },
  ],
  usedBy: [
    {
      ...{ node: 'demo-1', interface: 'l3af0', hook: 'xdp', kf: 'edge-firewall', enabled: true },
      ...{ revision: 7, state: 'live' },
    },
    {
      ...{ node: 'edge-2', interface: 'eth0', hook: 'xdp', kf: 'firewall', enabled: false },
      ...{ revision: 1, state: null },
    },
  ],
});
