import { spawn } from 'node:child_process';

export interface ProgramRun {
  signal: AbortSignal;
  wallMs: number;
}

export interface ProgramResult {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

const saidBytesMax = 16 * 1024;

/** Runs a program to its end. Its standard input is open as long as this process lives, so that it can end with it. */
export function runProgram(
  command: readonly string[],
  { signal, wallMs }: ProgramRun,
): Promise<ProgramResult> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
      timeout: wallMs,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on(
      'data',
      (chunk: Buffer) => (stderr = (stderr + chunk.toString('utf8')).slice(-saidBytesMax)),
    );
    child.stdin.on('error', () => undefined); // it need not read
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
