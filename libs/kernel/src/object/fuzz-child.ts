import { readdirSync, readFileSync } from 'node:fs';
import { L3afError } from '@l3af/contracts';
import { loadGeneration, removeInstance } from '../index';
import { listFolder } from '../bpf/pin';
import { hookFolder } from '../generation/paths';
import type { HookTarget } from '../types';

/** Mutated objects through the whole loader; in a process of its own, since a crash is what it looks for. */
export interface FuzzJob {
  seed: number;
  count: number;
  /** The first mutation to run, to come back to one that failed. */
  from: number;
  paths: string[];
  target: HookTarget;
}

/** A small generator of numbers that gives the same for the same seed (mulberry32). */
export function generatorOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Flips bits, overwrites words with telling numbers, moves blocks, or cuts the end off. */
export function mutate(object: Buffer, random: () => number): Buffer {
  const bytes = Buffer.from(object);
  const pick = (below: number): number => Math.floor(random() * below);
  const telling = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xffff, bytes.length];
  const times = 1 + pick(6);
  for (let time = 0; time < times; time++) {
    // The headers decide most: half of the changes go there.
    const at = random() < 0.5 ? bytes.length - 1 - pick(Math.min(bytes.length, 1400)) : pick(bytes.length);
    const kind = pick(5);
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
    else if (kind === 1) bytes[at] = pick(256);
    else if (kind === 2 && at + 4 <= bytes.length)
      bytes.writeUInt32LE((telling[pick(telling.length)] ?? 0) >>> 0, at);
    else if (kind === 3) bytes.copy(bytes, at, pick(bytes.length), pick(bytes.length));
    else if (random() < 0.2) return bytes.subarray(0, at);
  }
  return bytes;
}

async function main({ seed, count, from, paths, target }: FuzzJob): Promise<void> {
  const objects = paths.map((path) => readFileSync(path));
  let accepted = 0;
  let before: number | undefined;
  for (let index = from; index < from + count; index++) {
    const random = generatorOf(seed + index);
    const object = mutate(objects[index % objects.length] ?? Buffer.alloc(0), random);
    process.stdout.write(`${index}\n`);
    if (accepted > 0) before ??= readdirSync('/proc/self/fd').length; // what the first load opens for good is no leak
    try {
      await loadGeneration(target, {
        generation: 1,
        metadata: '',
        kfs: [
          {
            name: 'kf',
            object,
            program: 'kf',
            proceedOn: [2],
            enabled: true,
            constants: [],
            writes: [],
            digest: '',
            state: 'fresh',
          },
        ],
      });
      accepted++;
      removeInstance(target.instance);
    } catch (error) {
      if (!(error instanceof L3afError)) throw error;
      if (listFolder(hookFolder(target)).length > 0) throw new Error(`mutation ${index} left pins`);
    }
  }
  const leaked = readdirSync('/proc/self/fd').length - (before ?? readdirSync('/proc/self/fd').length);
  process.stdout.write(JSON.stringify({ accepted, leaked }));
}

const argument = process.argv[2];
if (argument !== undefined && process.env['L3AF_FUZZ_CHILD'] === '1')
  void main(JSON.parse(argument) as FuzzJob);
