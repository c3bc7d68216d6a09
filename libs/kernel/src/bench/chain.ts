import { closeSync } from 'node:fs';
import { removeInstance } from '../chain/instance';
import { loadGeneration } from '../chain/load';
import { generationPaths } from '../chain/paths';
import { openPin } from '../bpf/pin';
import type { HookTarget } from '../types';
import { compileEmptyKf } from './parts/empty-kf';
import { measure, slope } from './parts/measure';
import { loadBare, withTailCalls } from './parts/tail-calls';

/** Nanoseconds per packet through chains of empty KFs; see docs/benchmarks.md. */
interface Point {
  n: number;
  bare: number;
  tailcall: number;
  glue: number;
  traced: number;
}

const lengths = [1, 2, 4, 8, 16, 32];
const target: HookTarget = {
  instance: `bench-${process.pid}`,
  node: 'bench',
  interface: 'lo',
  hook: 'xdp',
  ifindex: 1,
};

/** Loads a chain behind our glue, verdict counters and switches on, and measures from its first program. */
async function measureChain(object: Buffer, count: number, timed: boolean): Promise<number> {
  const generation = count + (timed ? 1000 : 0);
  const kfs = Array.from({ length: count }, (_, index) => ({
    name: `kf${index}`,
    object,
    program: 'kf',
    proceedOn: [2],
    enabled: true,
    constants: [],
    writes: [],
    digest: 'bench',
    state: 'fresh' as const,
  }));
  await loadGeneration(target, { generation, metadata: '', kfs, timed, reuseFrom: null });
  const paths = generationPaths(target, generation);
  const fd = openPin(timed ? paths.sampler : paths.kfProgram(0, 'kf0'));
  if (fd === undefined) throw new Error('the chain has no first program');
  try {
    return measure(fd);
  } finally {
    closeSync(fd);
  }
}

async function run(): Promise<Point[]> {
  const object = compileEmptyKf();
  const bareFd = loadBare();
  const points: Point[] = [];
  for (const n of lengths) {
    points.push({
      n,
      bare: measure(bareFd),
      tailcall: withTailCalls(n, measure),
      glue: await measureChain(object, n, false),
      traced: await measureChain(object, n, true),
    });
  }
  closeSync(bareFd);
  return points;
}

async function main(): Promise<void> {
  try {
    const points = await run();
    const slopeOf = (kind: 'tailcall' | 'glue' | 'traced'): number =>
      Number(slope(points.map((point) => ({ n: point.n, value: point[kind] }))).toFixed(3));
    const slopes = { tailcall: slopeOf('tailcall'), glue: slopeOf('glue'), traced: slopeOf('traced') };
    if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ points, slopes })}\n`);
    else {
      const head = 'KFs   bare  tail calls  glue  traced   (ns per packet)';
      const rows = points.map(({ n, bare, tailcall, glue, traced }) =>
        [
          `${n}`.padStart(3),
          `${bare}`.padStart(6),
          `${tailcall}`.padStart(11),
          `${glue}`.padStart(5),
          `${traced}`.padStart(7),
        ].join(' '),
      );
      const ratio = (slopes.glue / slopes.tailcall).toFixed(2);
      const summary = `slope: tail calls ${slopes.tailcall}, glue ${slopes.glue} (${ratio} times), traced ${slopes.traced} ns per KF`;
      process.stdout.write(`${[head, ...rows, summary].join('\n')}\n`);
    }
  } finally {
    removeInstance(target.instance);
  }
}

void main();
