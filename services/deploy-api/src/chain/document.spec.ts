import { parseChainDocument, parseText, validate } from './document';
import { z } from 'zod';

const key = { node: 'demo-1', interface: 'l3af0', hook: 'xdp' as const };
const head = 'apiVersion: l3af/v1\nkind: Chain\nnode: demo-1\ninterface: l3af0\nhook: xdp\n';

test('YAML and JSON are read alike', () => {
  const yaml = `${head}kfs:\n  - package: firewall@1.2.0\n    config: {deny: {"203.0.113.0/24": 1}}\n`;
  const json = JSON.stringify(
    {
      ...{ apiVersion: 'l3af/v1', kind: 'Chain', ...key },
      kfs: [{ package: 'firewall@1.2.0', config: { deny: { '203.0.113.0/24': 1 } } }],
    },
    null,
    '\t',
  );
  expect(parseChainDocument(yaml, key)).toEqual(parseChainDocument(json, key));
});

test('integers that JavaScript would round keep all their digits', () => {
  const { value } = parseText(
    'a: 18446744073709551615\nb: 0xffffffffffffffff\nc: 42\nd: [9007199254740993]',
    'invalid-document',
  );
  expect(value).toEqual({
    a: '18446744073709551615',
    b: '18446744073709551615',
    c: 42,
    d: ['9007199254740993'],
  });
});

test.each([
  ['kfs:\n  - package: firewall\n    enabld: false\n', 'kfs.0 (line 8): Unrecognized key: "enabld"'],
  ['kfs:\n  - package: Firewall\n', 'kfs.0.package (line 7): must be NAME, NAME@VERSION or NAME@sha256:…'],
  ['kfs:\n  - package: a\n  - name: b\n', 'kfs.1.package (line 8)'],
  ['kfs: []\nkfs: []\n', 'line 7, column 1: Map keys must be unique'],
  ['kfs: [\n', 'line 7'],
  ['', 'kfs (line 1)'],
])('the error for %j names path and line', (rest, expected) => {
  const parse = (): unknown => parseChainDocument(head + rest, key);
  expect(parse).toThrow(expect.objectContaining({ code: 'invalid-document' }));
  expect(parse).toThrow(expected);
});

test('a document of another chain is refused', () => {
  expect(() => parseChainDocument(`${head}kfs: []`, { ...key, interface: 'eth1' })).toThrow(
    'Cannot apply chain "demo-1/eth1/xdp": line 4 says interface l3af0, the path eth1',
  );
});

test.each(['', '   \n', '# nothing\n'])('the empty text %j is refused', (text) => {
  expect(() => validate(parseText(text, 'invalid-request'), z.object({}), 'invalid-request')).toThrow(
    expect.objectContaining({ code: 'invalid-request' }),
  );
});

test('several documents are refused', () => {
  expect(() => parseText(`${head}kfs: []\n---\n${head}kfs: []\n`, 'invalid-document')).toThrow('2 documents');
});

test('aliases cannot blow a document up', () => {
  const laughs = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
  for (const [at, name] of [...'bcdefgh'].entries()) {
    const before = 'abcdefgh'[at]!;
    laughs.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(',')}]`);
  }
  expect(() => parseText(laughs.join('\n'), 'invalid-document')).toThrow(
    expect.objectContaining({ code: 'invalid-document' }),
  );
});
