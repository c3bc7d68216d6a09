import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');

interface Finding {
  rule: string | null;
  message: string;
}

interface BadCode {
  what: string;
  path: string;
  text: string;
  rule: string;
  message?: RegExp;
}

const boundary = '@nx/enforce-module-boundaries';
const restricted = 'no-restricted-imports';
const uses = (name: string, module: string): string =>
  `import { ${name} } from '${module}';\nconsole.log(${name});\n`;
const contracts = 'libs/contracts/src/index.ts';
const domain = 'libs/bpf-object/src/index.ts';
const kernel = 'libs/kernel/src/index.ts';
const adapter = 'libs/telemetry/src/index.ts';
const control = 'services/cli/src/main.ts';
const executor = 'services/executor/src/main.ts';
const shared = 'services/executor/src/testing/node-fixture.ts';
const plan = 'services/executor/src/chain/plan.ts';
const tagged = /can only depend on libs tagged|cannot depend on|not allowed to depend on|Circular dependency/;

const bad: BadCode[] = [
  { what: 'pg in contracts', path: contracts, text: uses('Client', 'pg'), rule: boundary },
  {
    what: 'a library in contracts',
    path: contracts,
    text: uses('a', '@l3af/telemetry'),
    rule: boundary,
    message: tagged,
  },
  {
    what: "Node's own modules in contracts",
    path: contracts,
    text: uses('readFileSync', 'node:fs'),
    rule: restricted,
  },
  { what: 'koffi in domain', path: domain, text: uses('koffi', 'koffi'), rule: boundary },
  { what: 'Nest in domain', path: domain, text: uses('Module', '@nestjs/common'), rule: restricted },
  {
    what: "Node's own modules in domain",
    path: domain,
    text: uses('readFileSync', 'node:fs'),
    rule: restricted,
  },
  {
    what: 'kernel in domain',
    path: domain,
    text: uses('swapTo', '@l3af/kernel'),
    rule: boundary,
    message: tagged,
  },
  {
    what: 'an adapter in kernel',
    path: kernel,
    text: uses('connectBus', '@l3af/event-store'),
    rule: boundary,
    message: tagged,
  },
  { what: 'koffi in an adapter', path: adapter, text: uses('koffi', 'koffi'), rule: boundary },
  {
    what: 'kernel in an adapter',
    path: adapter,
    text: uses('swapTo', '@l3af/kernel'),
    rule: boundary,
    message: tagged,
  },
  { what: 'koffi in a service', path: executor, text: uses('koffi', 'koffi'), rule: boundary },
  {
    what: 'kernel in a control-plane service',
    path: control,
    text: uses('swapTo', '@l3af/kernel'),
    rule: boundary,
  },
  { what: 'nats outside event-store', path: executor, text: uses('connect', 'nats'), rule: restricted },
  { what: 'nats in a plan', path: plan, text: uses('connect', 'nats'), rule: restricted },
  {
    what: "Node's own modules in a plan",
    path: plan,
    text: uses('readFileSync', 'node:fs'),
    rule: restricted,
  },
  {
    what: 'libs/testing in a service',
    path: executor,
    text: uses('startNats', '@l3af/testing'),
    rule: boundary,
  },
  {
    what: 'libs/testing in a library',
    path: adapter,
    text: uses('startNats', '@l3af/testing'),
    rule: restricted,
  },
  {
    what: 'libs/testing in a service file outside testing/, which is shipped',
    path: plan,
    text: uses('startNats', '@l3af/testing'),
    rule: restricted,
  },
  {
    what: 'koffi in what specs share',
    path: shared,
    text: uses('koffi', 'koffi'),
    rule: restricted,
  },
  {
    what: 'a service in a service',
    path: executor,
    text: uses('main', '@l3af/deploy-api'),
    rule: boundary,
  },
  {
    what: 'a promise that nobody awaits',
    path: executor,
    text: 'export function go(): void {\n  Promise.resolve(1);\n}\n',
    rule: '@typescript-eslint/no-floating-promises',
  },
  {
    what: 'a promise where a condition is wanted',
    path: executor,
    text: 'export const go = (p: Promise<boolean>): number => (p ? 1 : 2);\n',
    rule: '@typescript-eslint/no-misused-promises',
  },
  {
    what: 'a switch that forgets a case',
    path: executor,
    text: "export function go(x: 'a' | 'b'): void {\n  switch (x) {\n    case 'a':\n      return;\n  }\n}\n",
    rule: '@typescript-eslint/switch-exhaustiveness-check',
  },
  {
    what: 'a type imported as a value',
    path: executor,
    text: "import { Server } from 'node:http';\nexport type S = Server;\n",
    rule: '@typescript-eslint/consistent-type-imports',
  },
  {
    what: 'any',
    path: executor,
    text: 'export const go = (x: any): unknown => x;\n',
    rule: '@typescript-eslint/no-explicit-any',
  },
  {
    what: 'four parameters',
    path: executor,
    text: 'export const go = (a: 1, b: 1, c: 1, d: 1): number => a + b + c + d;\n',
    rule: 'max-params',
  },
  { what: 'console', path: executor, text: "console.log('x');\n", rule: 'no-console' },
  { what: 'an enum', path: executor, text: 'export enum E {\n  A,\n}\n', rule: 'no-restricted-syntax' },
  { what: 'export *', path: executor, text: "export * from './settings';\n", rule: 'no-restricted-syntax' },
  {
    what: 'a long file',
    path: executor,
    text: `${'// x\n'.repeat(301)}export const a = 1;\n`,
    rule: 'max-lines',
  },
];

/** What must not be reported, lest the rules forbid everything. */
const good = [
  { what: 'contracts in the executor', path: executor, text: "export { hooks } from '@l3af/contracts';\n" },
  { what: 'kernel in the executor', path: executor, text: "export { swapTo } from '@l3af/kernel';\n" },
  {
    what: 'libs/testing in what specs share',
    path: shared,
    text: "export { startNats } from '@l3af/testing';\n",
  },
  { what: 'koffi in kernel', path: kernel, text: "export { default as koffi } from 'koffi';\n" },
];

describe('lint', () => {
  let reports: Finding[][];
  let errors: string;

  beforeAll(() => {
    for (const { path } of [...bad, ...good])
      expect([path, existsSync(join(root, path))]).toEqual([path, true]);
    const cases = [...bad, ...good].map(({ path, text }) => ({ path, text }));
    const result = spawnSync(process.execPath, [join(root, 'infra/lint/report.mjs')], {
      cwd: root,
      input: JSON.stringify(cases),
      encoding: 'utf8',
      env: { ...process.env, NX_DAEMON: 'false' },
      maxBuffer: 16 << 20,
    });
    errors = result.stderr;
    if (result.status !== 0) throw new Error(result.stderr);
    reports = JSON.parse(result.stdout) as Finding[][];
  }, 300_000);

  it.each(bad.map((code, index) => ({ ...code, index })))('refuses $what', ({ index, rule, message }) => {
    const found = reports[index]!.filter((finding) => finding.rule === rule);
    expect(found).not.toHaveLength(0);
    if (message) expect(found.map((finding) => finding.message).join('\n')).toMatch(message);
  });

  it.each(good.map((code, index) => ({ ...code, index: bad.length + index })))(
    'allows $what',
    ({ index }) => {
      const rules = [boundary, restricted];
      expect(reports[index]!.filter(({ rule }) => rule !== null && rules.includes(rule))).toEqual([]);
    },
  );

  it('had the project graph, without which the boundaries are skipped', () => {
    expect(errors).not.toContain('No cached ProjectGraph');
  });
});
