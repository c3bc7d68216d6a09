import type { PackageVersionView } from '@l3af/contracts';
import { matches, searchQuerySchema, type SearchConditions } from './search';

const verified = (kernel: string, loaded: boolean) => ({
  kernel,
  architecture: 'amd64',
  loaded,
  error: null,
});
const version: PackageVersionView = {
  ...{ name: 'edge/firewall', version: '1.0.0', digest: `sha256:${'a'.repeat(64)}`, sizeBytes: 1 },
  ...{ publishedAt: '2026-08-22T10:15:30Z', architectures: ['amd64'], sourceDigest: null, yanked: null },
  description: 'Denies packets by source prefix',
  license: 'GPL-2.0-only OR BSD-2-Clause',
  signers: ['beef'.repeat(16)],
  verified: [verified('6.1.0-32-amd64', true), verified('5.10.0', false), verified('6.12.3', true)],
  schema: {
    programs: [
      { name: 'deny', section: 'tc', type: 'sched_cls' },
      { name: 'on_exit', section: 'tracepoint/x', type: 'tracepoint' },
    ],
    ...{ maps: [], constants: [] },
  },
};

describe('a search', () => {
  it.each<[SearchConditions, boolean]>([
    [{}, true],
    [{ text: 'FIREWALL prefix' }, true],
    [{ text: 'firewall nat' }, false],
    [{ text: 'on_exit' }, true],
    [{ hook: 'tc-ingress' }, true],
    [{ hook: 'xdp' }, false],
    [{ type: 'tracepoint' }, true],
    [{ type: 'xdp' }, false],
    [{ signer: 'BEEFbeef' }, true],
    [{ signer: 'eefb' }, false],
    [{ license: 'bsd' }, true],
    [{ license: 'MIT' }, false],
    [{ kernel: '6.1' }, true],
    [{ kernel: '6.1.0' }, true],
    [{ kernel: '6.12' }, true],
    [{ kernel: '6' }, true],
    [{ kernel: '5.10' }, false],
    [{ kernel: '6.1.0-3' }, false],
    [{ text: 'deny', hook: 'xdp' }, false],
  ])('for %j: %p', (conditions, found) => {
    expect(matches(version, conditions)).toBe(found);
  });

  it('never finds what is yanked', () => {
    expect(matches({ ...version, yanked: 'broken' }, { text: 'firewall' })).toBe(false);
  });

  it('finds packages whose inside is not known, but not by their inside', () => {
    const unknown = { ...version, schema: null };
    expect(matches(unknown, { text: 'firewall' })).toBe(true);
    expect(matches(unknown, { hook: 'tc-ingress' })).toBe(false);
  });

  it('refuses a beginning of a key id that says too little', () => {
    expect(searchQuerySchema.safeParse({ signer: 'be' }).success).toBe(false);
  });
});
