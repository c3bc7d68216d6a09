import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { chainViewSchema, type ChainView } from '@l3af/contracts';
import { waitFor } from '@l3af/testing';
import { root, startDemo, type Demo } from './testing/demo';

// Every command of README.md, in order, as printed, against a whole L3AF of its own.
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/^```sh\n([^]*?)^```/gm)].map((match) => match[1]!.trimEnd());

jest.setTimeout(30 * 60_000);

describe('README.md', () => {
  let demo: Demo;
  beforeAll(async () => {
    demo = await startDemo();
  });
  afterAll(async () => {
    await demo?.stop();
    rmSync('/tmp/drop-udp', { recursive: true, force: true });
  });

  const chain = async (): Promise<ChainView> =>
    chainViewSchema.parse(await demo.json('chain show demo-1 l3af0 xdp'));
  const dropped = async (): Promise<number> => {
    const { reported } = await chain();
    return reported?.kfs.find(({ name }) => name === 'drop-udp')?.verdicts?.['DROP'] ?? 0;
  };
  const names = async () => (await chain()).desired?.kfs.map(({ name }) => name);

  /** What must be true after a block, by something that the block says. */
  const after: [string, () => Promise<void>][] = [
    [
      'npm run up',
      async () => {
        expect(await chain()).toMatchObject({ reported: { state: 'live' } });
        expect(await names()).toEqual(['edge-firewall', 'fair-share', 'flow-counter']);
      },
    ],
    [
      'chain insert',
      async () => {
        expect((await names())?.[0]).toBe('drop-udp');
        await waitFor(async () => (await dropped()) > 0, 'a dropped packet');
      },
    ],
    [
      'kf config',
      async () => {
        expect((await chain()).desired?.kfs[0]?.config).toEqual({ port: 5300 });
        const before = await dropped();
        await waitFor(async () => (await dropped()) > before, 'another dropped packet');
      },
    ],
    ['chain remove', async () => expect(await names()).not.toContain('drop-udp')],
    ['apply -f', async () => expect((await chain()).reported?.state).toBe('live')],
  ];

  test('has commands to run', () => {
    expect(blocks.length).toBeGreaterThan(5);
    for (const [words] of after) expect(blocks.some((block) => block.includes(words))).toBe(true);
  });

  const titled = blocks.map((block, index) => [`${index + 1}. ${block.split('\n')[0]!}`, block] as const);
  test.each(titled)('%s', async (_title, block) => {
    const { code, stdout, stderr } = await demo.shell(block);
    expect({ code, ...(code !== 0 && { stdout, stderr }) }).toEqual({ code: 0 });
    for (const [words, check] of after) if (block.includes(words)) await check();
  });
});
