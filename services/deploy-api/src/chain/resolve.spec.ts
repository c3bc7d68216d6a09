import {
  kfDocumentSchema,
  parsePackageReference,
  type KfDocumentInput,
  type ObjectSchema,
  type PackageView,
} from '@l3af/contracts';
import { chooseVersion, mergeConfig, resolveKf } from './resolve';

const schema: ObjectSchema = {
  programs: [
    { name: 'xdp_filter', section: 'xdp', type: 'xdp' },
    { name: 'tc_in', section: 'tc', type: 'sched_cls' },
    { name: 'tc_out', section: 'tc', type: 'sched_cls' },
    { name: 'on_open', section: 'tracepoint/x', type: 'tracepoint' },
  ],
  maps: [
    {
      ...{ name: 'limit', type: 'array', keyBytes: 4, valueBytes: 4, entriesMax: 1, flags: 0 },
      ...{ key: { kind: 'int', bytes: 4, signed: false }, value: { kind: 'int', bytes: 4, signed: false } },
    },
  ],
  constants: [],
};
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const version = (
  name: string,
  letter: string,
  yanked: string | null = null,
): PackageView['versions'][number] => ({
  ...{ name: 'team/filter', version: name, digest: digest(letter), publishedAt: '2026-01-01T00:00:00Z' },
  ...{ architectures: ['amd64'], sizeBytes: 1, schema, description: null, license: null, sourceDigest: null },
  ...{ signers: [], yanked, verified: [] },
});
const view: PackageView = {
  name: 'team/filter',
  versions: [version('2.0.0', 'b', 'leaks'), version('1.1.0', 'c'), version('1.0.0', 'd')],
};
const resolve = (input: KfDocumentInput, hook: 'xdp' | 'tc-ingress' = 'xdp', running: string[] = []) => {
  const document = kfDocumentSchema.parse(input);
  const version = chooseVersion(parsePackageReference(input.package)!, view, new Set(running));
  return resolveKf({ document, version, schema, hook });
};
const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

test('the newest version that is not yanked, the only program for the hook, the defaults', () => {
  expect(resolve({ package: 'team/filter' })).toEqual({
    ...{ name: 'filter', package: 'team/filter', version: '1.1.0', digest: digest('c') },
    ...{ program: 'xdp_filter', enabled: true, proceedOn: ['PASS'], config: {}, state: 'keep' },
  });
});

test('a version or digest by name', () => {
  expect(resolve({ package: 'team/filter@1.0.0' }).digest).toBe(digest('d'));
  expect(resolve({ package: `team/filter@${digest('d')}` }).version).toBe('1.0.0');
  expect(() => resolve({ package: 'team/filter@9.9.9' })).toThrow(code('unknown-version'));
  expect(() => resolve({ package: `team/filter@${digest('e')}` })).toThrow(code('unknown-version'));
});

test('a yanked version is refused, except where the chain runs it already', () => {
  expect(() => resolve({ package: 'team/filter@2.0.0' })).toThrow('it is yanked: leaks');
  expect(resolve({ package: 'team/filter@2.0.0' }, 'xdp', [digest('b')]).version).toBe('2.0.0');
});

test('no such package', () => {
  expect(() => chooseVersion({ name: 'nope' }, null)).toThrow('Cannot use package "nope": there is none');
});

test('programs are chosen by hook', () => {
  const ambiguous = (): unknown => resolve({ package: 'team/filter' }, 'tc-ingress');
  expect(ambiguous).toThrow(code('ambiguous-program'));
  expect(ambiguous).toThrow('it has 2 programs for tc-ingress: tc_in, tc_out');
  expect(resolve({ package: 'team/filter', program: 'tc_out' }, 'tc-ingress').program).toBe('tc_out');
  expect(() => resolve({ package: 'team/filter', program: 'nope' })).toThrow(code('unknown-program'));
  expect(() => resolve({ package: 'team/filter', program: 'tc_in' })).toThrow(code('wrong-program-type'));
  expect(() => resolve({ package: 'team/filter', program: 'on_open' })).toThrow(
    'Cannot use program "on_open": it is of type tracepoint, needs one for xdp',
  );
});

test('verdicts to proceed on', () => {
  expect(resolve({ package: 'team/filter', proceedOn: ['pass', 'TX', 'Pass'] }).proceedOn).toEqual([
    'PASS',
    'TX',
  ]);
  const inOtherOrder = { package: 'team/filter', program: 'tc_in', proceedOn: ['UNSPEC', 'ok', 'PIPE'] };
  expect(resolve(inOtherOrder, 'tc-ingress').proceedOn).toEqual(['OK', 'PIPE', 'UNSPEC']);
  expect(() => resolve({ package: 'team/filter', proceedOn: ['SHOT'] })).toThrow(
    'Cannot proceed on verdict "SHOT": xdp has ABORTED, DROP, PASS, TX, REDIRECT',
  );
});

test.each([
  [{ limit: -1 }, 'config.limit'],
  [{ limit: 4294967296 }, 'config.limit'],
  [{ limit: 'many' }, 'config.limit'],
  [{ limt: 1 }, 'config.limt'],
])('configuration %j is refused with its path', (config, path) => {
  const configure = (): unknown => resolve({ package: 'team/filter', name: 'edge', config });
  expect(configure).toThrow(code('invalid-config'));
  expect(configure).toThrow(`Cannot configure KF "edge": ${path}: `);
});

test('a change of configuration replaces names and takes away what is null', () => {
  expect(mergeConfig({ a: 1, b: { c: 2 }, d: 3 }, { b: { e: 4 }, d: null, f: 5 })).toEqual({
    ...{ a: 1, b: { e: 4 }, f: 5 },
  });
});
