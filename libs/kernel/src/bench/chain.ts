import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { L3afError } from '@l3af/contracts';
import { removeInstance } from '../generation/instance';
import { loadGeneration } from '../load/load';
import { generationPaths } from '../generation/paths';
import { openPin } from '../bpf/pin';
import type { HookTarget } from '../types';
import { compileForLoader, whyNoDispatcher, withDispatcher } from './parts/dispatcher';
import { compileEmptyKf } from './parts/empty-kf';
import { measure, slope } from './parts/measure';
import { loadBare, withTailCalls } from './parts/tail-calls';

/** Nanoseconds per packet through chains of empty KFs. */
interface Point {
  n: number;
  bare: number;
  tailcall: number;
  glue: number;
  /** Behind the calling glue, which KFs take that tail-call by themselves; absent where the kernel allows no chain so long of them. */
  calling?: number | undefined;
  traced: number;
  /** xdp-loader's dispatcher, where it works and has places for so many. */
  dispatcher?: number | undefined;
}

const lengths = [1, 2, 4, 8, 16, 32];
let generations = 0;
const target: HookTarget = {
  instance: `bench-${process.pid}`,
  node: 'bench',
  interface: 'lo',
  hook: 'xdp',
  ifindex: 1,
};

/** Loads a chain behind our glue, verdict counters and switches on, and measures from its first program. */
async function measureChain(object: Buffer, count: number, timed = false): Promise<number> {
  const generation = ++generations;
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

/** Before Linux 6.12 the tail calls that these KFs could make count against the length of the chain. */
async function measureCalling(object: Buffer, count: number): Promise<Pick<Point, 'calling'>> {
  try {
    return { calling: await measureChain(object, count) };
  } catch (error) {
    if (error instanceof L3afError && error.code === 'chain-too-long') return {};
    throw error;
  }
}

/** `loadable`: an object that xdp-loader can load; undefined where its dispatcher cannot be measured. */
async function run(loadable: string | undefined): Promise<Point[]> {
  const [object, callingObject] = [compileEmptyKf('plain'), compileEmptyKf('calling')];
  const bareFd = loadBare();
  const points: Point[] = [];
  const dispatched = (n: number): Pick<Point, 'dispatcher'> => {
    const dispatcher = loadable === undefined ? undefined : withDispatcher(n, loadable, measure);
    return dispatcher === undefined ? {} : { dispatcher };
  };
  for (const n of lengths) {
    points.push({
      n,
      bare: measure(bareFd),
      tailcall: withTailCalls(n, measure),
      glue: await measureChain(object, n),
      ...(await measureCalling(callingObject, n)),
      traced: await measureChain(object, n, true),
      ...dispatched(n),
    });
  }
  closeSync(bareFd);
  return points;
}

type Kind = Exclude<keyof Point, 'n' | 'bare'>;

/** Nanoseconds per KF; undefined where it was not measured. */
function slopeOf(points: readonly Point[], kind: Kind): number | undefined {
  const measured = points.flatMap(({ n, [kind]: value }) => (value === undefined ? [] : [{ n, value }]));
  return measured.length < 2 ? undefined : Number(slope(measured).toFixed(3));
}

function print(points: readonly Point[], slopes: Record<Kind, number | undefined>): void {
  const columns = ['bare', 'tailcall', 'glue', 'calling', 'traced', 'dispatcher'] as const;
  const row = (cells: (string | number)[]): string =>
    cells.map((cell) => String(cell).padStart(10)).join(' ');
  const rows = points.map((point) => row([point.n, ...columns.map((column) => point[column] ?? '-')]));
  const { tailcall = 1, glue = 0 } = slopes;
  const slopeRow = row(['slope', '', ...columns.slice(1).map((kind) => slopes[kind as Kind] ?? '-')]);
  const lines = [row(['KFs', ...columns]), ...rows, slopeRow];
  const note = `ns per packet; the slope of the glue is ${(glue / tailcall).toFixed(2)} times that of tail calls`;
  process.stdout.write(`${[...lines, note].join('\n')}\n`);
}

async function main(): Promise<void> {
  const why = whyNoDispatcher();
  if (why !== undefined) process.stderr.write(`xdp-loader's dispatcher is not measured: ${why}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'l3af-bench-'));
  try {
    const loadable = compileForLoader(folder); // also where it is not used: a machine without a compiler is given what this one made
    const points = await run(why === undefined ? loadable : undefined);
    const kinds: Kind[] = ['tailcall', 'glue', 'calling', 'traced', 'dispatcher'];
    const slopes = Object.fromEntries(kinds.map((kind) => [kind, slopeOf(points, kind)])) as Record<
      Kind,
      number | undefined
    >;
    if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ points, slopes })}\n`);
    else print(points, slopes);
  } finally {
    rmSync(folder, { recursive: true });
    removeInstance(target.instance);
  }
}

void main();
