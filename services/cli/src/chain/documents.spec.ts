import { L3afError } from '@l3af/contracts';
import { parseChainDocuments, parseConfig } from './documents';

const head = 'apiVersion: l3af/v1\nkind: Chain\nnode: demo-1\ninterface: l3af0\nhook: xdp\n';

function refusal(text: string): L3afError {
  try {
    parseChainDocuments(text, 'chain.yaml');
  } catch (error) {
    if (error instanceof L3afError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('chain documents', () => {
  test('several documents are read; what stands between two --- with only comments is none', () => {
    const text = `# first\n---\n${head}kfs: []\n---\n# nothing\n---\n${head.replace('xdp', 'tc-egress')}kfs: []\n`;
    expect(parseChainDocuments(text, 'f').map(({ hook }) => hook)).toEqual(['xdp', 'tc-egress']);
  });

  test('JSON is read too', () => {
    const document = {
      apiVersion: 'l3af/v1',
      kind: 'Chain',
      node: 'n',
      interface: 'i',
      hook: 'xdp',
      kfs: [],
    };
    expect(parseChainDocuments(JSON.stringify(document), 'f')).toEqual([document]);
  });

  test.each([
    ['a mistake in YAML', `${head}kfs: [\n`, /^chain\.yaml:\d+:\d+: /],
    ['a key twice', `${head}hook: xdp\nkfs: []\n`, /^chain\.yaml:6:1: /],
    ['an unknown field', `${head}kfs: []\ncolour: red\n`, /^chain\.yaml:1:1: Unrecognized key/],
    ['a missing field', head, /^chain\.yaml:1:1: kfs: /],
    [
      'a wrong value',
      `${head}kfs:\n  - package: firewall\n    enabled: maybe\n`,
      /^chain\.yaml:8:14: kfs\.0\.enabled: /,
    ],
    [
      'the same chain twice',
      `${head}kfs: []\n---\n${head}kfs: []\n`,
      /^chain\.yaml:12:7: chain "demo-1\/l3af0\/xdp"/,
    ],
    ['no document at all', '# nothing\n', /holds no document/],
  ])('%s is refused with its place', (_name, text, message) => {
    expect(refusal(text).message).toMatch(message);
    expect(refusal(text).code).toBe('invalid-document');
  });

  test('two KFs of one name are refused, also when the name is the package', () => {
    const error = refusal(`${head}kfs:\n  - package: firewall@1.0\n  - {name: firewall, package: other}\n`);
    expect(error.code).toBe('duplicate-instance');
    expect(error.message).toBe('chain.yaml:8:5: two KFs are named "firewall"');
  });
});

describe('configuration', () => {
  test('integers beyond 2^53 keep their digits as text, smaller ones are numbers', () => {
    expect(parseConfig('{big: 18446744073709551615, small: 0x10, keys: {8080: 1}}', 'f')).toEqual({
      big: '18446744073709551615',
      small: 16,
      keys: { '8080': 1 },
    });
  });

  test('an empty file is an empty configuration; a list is refused', () => {
    expect(parseConfig('# none\n', 'f')).toEqual({});
    const needs = 'needs names of maps and constants with their values';
    expect(() => parseConfig('[1, 2]', 'f')).toThrow(`f:1:1: this is a list, ${needs}`);
    expect(() => parseConfig('null', 'f')).toThrow(`f:1:1: this is null, ${needs}`);
    expect(() => parseConfig('deny', 'f')).toThrow(`f:1:1: this is text, ${needs}`);
    expect(() => parseConfig('a:\n  b: .nan\n', 'f')).toThrow('f:2:3: a: needs a number, text, true');
    expect(() => parseConfig('a: 1\n---\nb: 2\n', 'f')).toThrow(/one document/);
  });
});
