import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const rulesUrl = pathToFileURL(join(__dirname, 'rules.mjs')).href;
const root = join(__dirname, '../..');

interface Bad {
  rule: string;
  path: string;
  text: string;
  bytes?: number;
}

const todo = ['TO', 'DO'].join('');
const bad: Bad[] = [
  { rule: 'noUnfinished', path: 'libs/x/src/a.ts', text: `// ${todo}: later` },
  { rule: 'noBannedCalls', path: 'libs/x/src/a.ts', text: "execSync('ls')" },
  { rule: 'noBannedCalls', path: 'libs/x/src/a.spec.ts', text: "it.only('x', () => 1)" },
  { rule: 'noNetworkTools', path: 'services/x/src/a.ts', text: "spawnSync('ip', ['link'])" },
  { rule: 'noForeignDoors', path: 'services/x/src/a.ts', text: "import koffi from 'koffi';" },
  { rule: 'noForeignDoors', path: 'services/x/src/a.ts', text: "import { connect } from 'nats';" },
  { rule: 'noMachinePaths', path: 'docs/a.md', text: ['cd /ho', 'me/somebody'].join('') },
  { rule: 'noLargeFiles', path: 'docs/a.png', text: '', bytes: 2 << 20 },
  { rule: 'oneBarrel', path: 'libs/x/src/deep/index.ts', text: '' },
  { rule: 'noDeadLinks', path: 'docs/a.md', text: 'see [this](nowhere.md)' },
  { rule: 'noDeadLinks', path: 'docs/a.md', text: '# One\n\nsee [this](#two)' },
];
const good: Bad[] = [
  { rule: 'noUnfinished', path: 'libs/x/src/a.ts', text: 'export const todos = 1;' },
  { rule: 'noNetworkTools', path: 'services/x/src/a.spec.ts', text: "spawnSync('ip', ['link'])" },
  { rule: 'noForeignDoors', path: 'libs/kernel/src/a.ts', text: "import koffi from 'koffi';" },
  { rule: 'noDeadLinks', path: 'infra/a.md', text: '# One two\n\n[this](#one-two), [that](build.mjs)' },
];

// The rules are an ES module, which Jest cannot load by itself.
function judge(cases: Bad[]): string[][] {
  const script = `import * as rules from ${JSON.stringify(rulesUrl)};
    const cases = JSON.parse(process.argv[1]);
    const answer = cases.map(({ rule, ...file }) => rules[rule]({ bytes: 1, ...file }, { root: process.argv[2], read: () => cases[0].text && '' }));
    console.log(JSON.stringify(answer));`;
  const cases2 = JSON.stringify(cases);
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', script, cases2, root], {
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(result.stderr);
  return JSON.parse(result.stdout) as string[][];
}

describe('tidy', () => {
  const found = judge(bad);
  const passed = judge(good);
  it.each(bad.map((file, index) => ({ ...file, index })))(
    '$rule complains about $path: $text',
    ({ index }) => {
      expect(found[index]).toHaveLength(1);
    },
  );
  it.each(good.map((file, index) => ({ ...file, index })))('$rule accepts $path: $text', ({ index }) => {
    expect(passed[index]).toEqual([]);
  });
});
