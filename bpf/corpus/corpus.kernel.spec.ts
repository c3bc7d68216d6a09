import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { compareKernels, deriveSchema, planConfig } from '@l3af/bpf-object';
import { hookSchema, verdictsOf } from '@l3af/contracts';
import {
  type HookTarget,
  type KfLoad,
  loadGeneration,
  loadPlain,
  openKfMap,
  removeInstance,
  testRunChain,
} from '@l3af/kernel';
import { needsFeature, udpPacket } from '@l3af/testing';
import { compile } from '../testing/compile';

/** The second line of each source; see README.md. */
const metaSchema = z.strictObject({
  exercises: z.string(),
  hook: hookSchema,
  program: z.string(),
  expect: z.union([z.string(), z.strictObject({ refused: z.string() })]),
  alone: z.string().optional(),
  kernel: z.string(),
  runs: z.number().default(1),
  cpu: z.string().default('v2'),
  flags: z.array(z.string()).default([]),
  frags: z.boolean().default(false),
  tailCalls: z.number().optional(),
  endsChain: z.boolean().default(false),
  tracepoints: z.array(z.string()).optional(),
  log: z.string().optional(),
  globals: z.record(z.string(), z.string()).optional(),
});
type Meta = z.infer<typeof metaSchema>;

const sources = readdirSync(__dirname).filter((name) => name.endsWith('.bpf.c'));
const metaOf = (source: string): Meta => {
  const line = readFileSync(join(__dirname, source), 'utf8').split('\n')[1] ?? '';
  return metaSchema.parse(JSON.parse(line.replace(/^\/\/ corpus: /, '')));
};

describe('the corpus', () => {
  const judge = compile('corpus/verdict.bpf.c');
  const instance = `test-corpus-${process.pid}`;
  afterEach(() => removeInstance(instance));

  const target = ({ hook }: Meta): HookTarget => ({
    ...{ instance, node: 'test', interface: 'none', hook, ifindex: 0 },
  });
  const kf = (
    name: string,
    { hook }: Meta,
    more: Pick<KfLoad, 'object' | 'program'> & Partial<KfLoad>,
  ): KfLoad => ({
    ...{ name, digest: '', enabled: true, constants: [], writes: [], state: 'fresh' },
    proceedOn: hook === 'xdp' ? [2] : [-1, 0, 3],
    ...more,
  });

  /** The KF, and behind it one that drops whatever gets there. */
  async function throughChain(meta: Meta, object: Uint8Array): Promise<{ verdict: number; runs: number }> {
    const drop = verdictsOf(meta.hook)[meta.hook === 'xdp' ? 'DROP' : 'SHOT'] ?? 0;
    const last = kf('last', meta, {
      object: judge,
      program: meta.hook === 'xdp' ? 'verdict_xdp' : 'verdict_tc',
      ...planConfig(deriveSchema(judge), { verdict: drop }),
    });
    const first = kf('first', meta, { object, program: meta.program });
    // All KFs of a chain must agree on frags.
    const kfs = meta.frags ? [first] : [first, last];
    await loadGeneration(target(meta), { generation: 1, metadata: '', reuseFrom: null, kfs });
    const ctx = meta.hook === 'xdp' ? {} : { ctx: new Uint8Array(192) };
    const { verdict } = testRunChain(target(meta), 1, { dataIn: udpPacket(), ...ctx });
    if (meta.runs === 0) return { verdict, runs: 0 };
    using map = openKfMap(target(meta), 1, { kf: 'first', map: 'runs' });
    return { verdict, runs: Number(Buffer.from(map.lookup(new Uint8Array(4)) ?? []).readBigUInt64LE(0)) };
  }

  for (const source of sources) {
    const meta = metaOf(source);
    const has = compareKernels(release(), meta.kernel) >= 0;
    const number = (name: string): number | undefined => verdictsOf(meta.hook)[name];

    const feature = { name: `what ${source} uses`, since: meta.kernel, found: has };
    needsFeature(feature)(`${source}: ${meta.exercises}`, async () => {
      const object = compile(join('corpus', source), { cpu: meta.cpu, flags: meta.flags });
      const alone = typeof meta.expect === 'string' ? meta.expect : meta.alone;
      if (alone !== undefined) {
        using program = await loadPlain({ object, program: meta.program, hook: meta.hook });
        // A program that calls one of its own by a tail call needs it loaded, too.
        if (!meta.endsChain) expect(program.testRun({ dataIn: udpPacket() }).verdict).toBe(number(alone));
      }
      if (typeof meta.expect !== 'string') {
        await expect(throughChain(meta, object)).rejects.toMatchObject({
          code: meta.expect.refused,
          ...(meta.log !== undefined && {
            details: expect.objectContaining({
              log: expect.stringContaining(meta.log) as unknown,
            }) as unknown,
          }),
        });
        return;
      }
      const proceeds = kf('', meta, { object, program: '' }).proceedOn.includes(number(meta.expect) ?? NaN);
      const dropped = meta.hook === 'xdp' ? number('DROP') : number('SHOT');
      const goesOn = proceeds && !meta.endsChain && !meta.frags;
      const { verdict, runs } = await throughChain(meta, object);
      expect({ verdict, runs }).toEqual({ verdict: goesOn ? dropped : number(meta.expect), runs: meta.runs });
    });
  }
});
