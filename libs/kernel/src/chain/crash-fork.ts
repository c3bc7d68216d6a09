import { readFileSync, readSync, writeSync } from 'node:fs';
import koffi from 'koffi';
import { structure } from '../sys/attributes';

// FFI, for tests only: to start node anew takes a tenth of a second, on an emulated machine five; to fork one that has loaded
// everything, a hundredth. The child is a process as any other: what it holds goes when it is killed.
const libc = koffi.load('libc.so.6');
const fork = libc.func('int fork()') as () => number;
const waitpid = libc.func('int waitpid(int pid, void *status, int options)') as (
  pid: number,
  status: Uint8Array,
  options: number,
) => number;
const getpid = libc.func('int getpid()') as () => number;
const kill = libc.func('int kill(int pid, int signal)') as (pid: number, signal: number) => number;
const exitNow = libc.func('void _exit(int code)') as (code: number) => void;
const prctl = libc.func('int prctl(int option, uint64 mode, void *filter)') as (
  option: number,
  mode: number,
  filter: Uint8Array,
) => number;
const madvise = libc.func('int madvise(uint64 address, uint64 bytes, int advice)') as (
  address: number,
  bytes: number,
  advice: number,
) => number;
const self = koffi.load(null);
const defaultLoop = self.func('void *uv_default_loop()') as () => bigint;
const forkLoop = self.func('int uv_loop_fork(void *loop)') as (loop: bigint) => number;

const [doNotFork, doFork] = [10, 11];

/** Lets a system call succeed without being made: madvise(…, MADV_DONTFORK). Seccomp's programs are classic BPF. */
function forkNothingLess(): void {
  const madviseNumber = process.arch === 'x64' ? 28 : 233;
  const [load, jumpUnlessEqual, giveBack] = [0x20, 0x15, 0x06];
  const [numberAt, adviceAt] = [0, 32]; // in `struct seccomp_data`
  const [doIt, sayDone] = [0x7fff_0000, 0x0005_0000];
  const instructions = Buffer.concat(
    (
      [
        [load, 0, numberAt],
        [jumpUnlessEqual, 3, madviseNumber],
        [load, 0, adviceAt],
        [jumpUnlessEqual, 1, doNotFork],
        [giveBack, 0, sayDone],
        [giveBack, 0, doIt],
      ] as const
    ).map(([code, otherwise, value]) =>
      structure(8, [
        { at: 0, u32: code | (otherwise << 24) },
        { at: 4, u32: value },
      ]),
    ),
  );
  const filter = structure(16, [
    { at: 0, u32: instructions.length / 8 },
    { at: 8, pointer: instructions },
  ]);
  const [setSeccomp, modeFilter] = [22, 2];
  if (prctl(setSeccomp, modeFilter, filter) !== 0)
    throw new Error(`prctl of a seccomp filter: errno ${koffi.errno()}`);
}

/**
 * V8 asks the kernel to leave its heap out of a fork: a child that touches memory that was taken since is killed by SIGSEGV. So from now on
 * nothing is left out, and what was so far is taken back.
 */
function forkAllMemory(): void {
  forkNothingLess();
  for (const line of readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const [from, to] = (line.split(' ', 1)[0] ?? '')
      .split('-')
      .map((address) => Number.parseInt(address, 16));
    if (from !== undefined && to !== undefined) madvise(from, to - from, doFork);
  }
}

/** Kills this process; `process.pid` would be the one that it was forked from. */
export function killSelf(): void {
  kill(getpid(), 9);
}

function readLine(): string | undefined {
  const bytes = Buffer.alloc(1);
  let line = '';
  for (;;) {
    if (readSync(0, bytes) === 0) return undefined;
    if (bytes[0] === 10) return line;
    line += bytes.toString('latin1');
  }
}

/** How the child that a line on stdin asked for ended. */
export interface ForkResult {
  signal: number;
  code: number;
}

/** What a line begins with whose work is to be done by the process itself, so that its forks find code compiled and features probed. */
export const rehearsal = '!';

/**
 * For each line on stdin forks a child that does the work and ends; then a line of JSON on stdout says how, after what the child
 * wrote. Node must run with --single-threaded, as a fork has none of V8's other threads.
 */
export async function serveForks(work: (line: string) => Promise<void>): Promise<void> {
  forkAllMemory();
  for (;;) {
    const line = readLine();
    if (line === undefined) process.exit(0);
    if (line.startsWith(rehearsal)) {
      await work(line.slice(rehearsal.length));
      writeSync(1, '\n{"signal":0,"code":0}\n');
      continue;
    }
    const pid = fork();
    if (pid === 0) return runInChild(work, line);
    const status = Buffer.alloc(4);
    waitpid(pid, status, 0);
    const result: ForkResult = { signal: status.readInt32LE(0) & 127, code: status.readUInt8(1) };
    writeSync(1, `\n${JSON.stringify(result)}\n`);
  }
}

/** The event loop's descriptors are those of the parent until it is told. */
function runInChild(work: (line: string) => Promise<void>, line: string): void {
  if (forkLoop(defaultLoop()) !== 0) exitNow(2);
  work(line).then(
    () => exitNow(0),
    (error: unknown) => {
      writeSync(2, `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      exitNow(1);
    },
  );
}
