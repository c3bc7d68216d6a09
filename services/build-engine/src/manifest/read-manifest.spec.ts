import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { L3afError, manifestJsonSchema } from '@l3af/contracts';
import { parseManifest, readManifest } from './read-manifest';
import { planPackage } from './package-plan';

const whole = 'apiVersion: l3af/v1\nkind: KernelFunction\nname: firewall\nversion: 1.2.0\n';
const issues = (text: string): unknown => {
  try {
    parseManifest(text);
  } catch (error) {
    if (error instanceof L3afError && error.code === 'invalid-manifest') return error.details['issues'];
    throw error;
  }
  return [];
};

interface JsonSchema {
  description?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
}

/** The fields of a JSON Schema that say nothing of themselves. */
function undescribed(schema: JsonSchema, path = ''): string[] {
  const { properties = {}, items, additionalProperties } = schema;
  const fields = Object.entries(properties).flatMap(([name, field]) => [
    ...(field.description === undefined ? [`${path}.${name}`] : []),
    ...undescribed(field, `${path}.${name}`),
  ]);
  const parts = [items, typeof additionalProperties === 'object' ? additionalProperties : undefined];
  return [...fields, ...parts.flatMap((part) => (part ? undescribed(part, `${path}[]`) : []))];
}

describe('kf.yaml', () => {
  it('is read', () => {
    expect(parseManifest(`${whole}cpu: [v3]\nflags: [-DX=1]\n`)).toMatchObject({
      name: 'firewall',
      version: '1.2.0',
      cpu: ['v3'],
    });
  });

  it.each([
    ['a version that is none', whole.replace('1.2.0', 'not a tag'), { line: 4, path: 'version' }],
    ['a version that YAML takes for a number', whole.replace('1.2.0', '1.2'), { line: 4, path: 'version' }],
    [
      'an unknown key',
      `${whole}sourec: x\n`,
      { line: 5, path: '', message: expect.stringContaining('sourec') },
    ],
    ['an unknown key inside', `${whole}config:\n  a:\n    descripton: x\n`, { line: 7, path: 'config.a' }],
    ['a wrong item of a list', `${whole}cpu:\n  - v2\n  - v9\n`, { line: 7, path: 'cpu.1' }],
    ['a missing name', whole.replace('name: firewall\n', ''), { line: 1, path: 'name' }],
    ['no YAML', `${whole}cpu: [v2\n`, { line: expect.any(Number) }],
    ['the same key twice', `${whole}name: other\n`, { line: 5, message: expect.stringContaining('unique') }],
    [
      'an alias bomb',
      `${whole}readme: &a [x,x,x,x,x,x,x,x,x,x]\nconfig: {b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a], c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b], d: [*c,*c,*c,*c,*c,*c]}\n`,
      { line: expect.any(Number) },
    ],
  ])('is refused with its line: %s', (_what, text, issue) => {
    expect(issues(text)).toEqual(expect.arrayContaining([expect.objectContaining(issue)]));
  });

  it('is refused with the line of what the source cannot have', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'l3af-manifest-'));
    try {
      const text = `${whole}readme: nope.md\ntests:\n  - there.yaml\n  - gone.yaml\nflags: [-O2, -fplugin=/x.so]\n`;
      writeFileSync(join(folder, 'kf.yaml'), text);
      const entries = [{ path: 'there.yaml', kind: 'file' as const, sizeBytes: 1 }];
      await expect(readManifest(folder, entries)).rejects.toMatchObject({
        code: 'invalid-manifest',
        details: {
          issues: [
            expect.objectContaining({ line: 5, path: 'readme', message: 'the source has no file nope.md' }),
            expect.objectContaining({ line: 8, path: 'tests.1' }),
            expect.objectContaining({ line: 9, path: 'flags.1' }),
          ],
        },
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has a JSON Schema for editors', () => {
    expect(manifestJsonSchema()).toMatchObject({
      type: 'object',
      required: ['apiVersion', 'kind', 'name', 'version'],
      additionalProperties: false,
    });
    const path = join(__dirname, '../../../../docs/kf.schema.json');
    const text = `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`;
    if (process.env.L3AF_GOLDEN) writeFileSync(path, text);
    expect(manifestJsonSchema()).toEqual(JSON.parse(readFileSync(path, 'utf8')));
  });

  it('has a description of every field for editors', () => {
    expect(undescribed(manifestJsonSchema())).toEqual([]);
    expect(
      undescribed({ properties: { list: { description: 'a list', items: { properties: { a: {} } } } } }),
    ).toEqual(['.list[].a']);
  });
});

describe('planPackage', () => {
  const entry = (path: string) => ({ path, kind: 'file' as const, sizeBytes: 1 });
  const plan = (paths: string[], more: Partial<Parameters<typeof planPackage>[0]> = {}) =>
    planPackage({
      manifest: undefined,
      entries: paths.map(entry),
      sourceDigest: `sha256:${'0123456789abcdef'.repeat(4)}`,
      name: undefined,
      version: undefined,
      ...more,
    });

  it('derives name and version from the file and its digest', () => {
    expect(plan(['Edge_Filter.bpf.c', 'x.h'])).toMatchObject({
      name: 'edge_filter',
      version: '0.0.0-0123456789ab',
      source: 'Edge_Filter.bpf.c',
    });
  });

  it('lets the request win over kf.yaml', () => {
    const manifest = parseManifest(whole);
    expect(plan(['a.bpf.c'], { manifest, version: '2.0.0' })).toMatchObject({
      name: 'firewall',
      version: '2.0.0',
      manifest: { version: '2.0.0' },
    });
  });

  it.each([
    ['no source', ['x.txt'], 'the source has none in its root', 'Build a folder with a kf.yaml'],
    ['one further down', ['kf/src/a.bpf.c'], 'but kf/src/a.bpf.c;', '--folder kf/src'],
    ['several', ['a.bpf.c', 'b.bpf.c'], 'needs a kf.yaml that names one', '`source: a.bpf.c`'],
    ['a name that is none', ['ä.bpf.c'], 'must be a lower-case repository name', 'Give the package a name'],
  ])('refuses %s, and says what would do', (...[, paths, message, hint]) => {
    const texts = (text: string) => expect.stringContaining(text) as string;
    expect(() => plan(paths)).toThrow(
      expect.objectContaining({
        code: 'invalid-manifest',
        message: texts(message),
        hint: texts(hint),
      }) as Error,
    );
  });
});
