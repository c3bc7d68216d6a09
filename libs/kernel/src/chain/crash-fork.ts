import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import koffi from 'koffi';

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
const madvise = libc.func('int madvise(uint64 address, uint64 bytes, int advice)') as (
  address: number,
  bytes: number,
  advice: number,
) => number;
const self = koffi.load(null);
const defaultLoop = self.func('void *uv_default_loop()') as () => bigint;
const forkLoop = self.func('int uv_loop_fork(void *loop)') as (loop: bigint) => number;

const mapsText = Buffer.alloc(1 << 20);

function readMaps(): number {
  const file = openSync('/proc/self/maps', 'r');
  let length = 0;
  for (let read = -1; read !== 0; length += read) read = readSync(file, mapsText, length, 65_536, null);
  closeSync(file);
  return length;
}

const hexDigit = (byte: number): number => (byte < 58 ? byte - 48 : byte - 87);

/**
 * V8 asks the kernel to leave its memory out of a fork; this takes that back. Between the look at the memory and the fork V8 must not
 * take any more, so that there is a collection first and next to nothing is allocated.
 */
function forkAllMemory(): void {
  const [doFork, dash, space, newline] = [11, 45, 32, 10];
  globalThis.gc?.({ type: 'minor', execution: 'sync' });
  const length = readMaps();
  for (let at = 0; at < length; at++) {
    let [from, to] = [0, 0];
    for (; mapsText[at] !== dash; at++) from = from * 16 + hexDigit(mapsText[at] ?? 0);
    for (at++; mapsText[at] !== space; at++) to = to * 16 + hexDigit(mapsText[at] ?? 0);
    madvise(from, to - from, doFork);
    while (mapsText[at] !== newline) at++;
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
 * wrote. Node must run with --single-threaded, as a fork has none of V8's other threads, and --expose-gc.
 */
export async function serveForks(work: (line: string) => Promise<void>): Promise<void> {
  for (;;) {
    const line = readLine();
    if (line === undefined) process.exit(0);
    if (line.startsWith(rehearsal)) {
      await work(line.slice(rehearsal.length));
      writeSync(1, '\n{"signal":0,"code":0}\n');
      continue;
    }
    forkAllMemory();
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
