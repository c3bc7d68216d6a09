import { runCli } from '../run-cli';
import type { Surroundings } from '../surroundings';

export interface Captured {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs one command line in this process, as on a pipe: no terminal, no colours. */
export async function capture(
  args: string[],
  {
    env = {},
    root = '/nonexistent',
    stdin = '',
  }: { env?: Surroundings['env']; root?: string; stdin?: string | Uint8Array } = {},
): Promise<Captured> {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({ write: (text: string) => void (written[name] += text) });
  const code = await runCli(args, {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    stdin: (async function* () {
      yield stdin;
    })(),
    env: { L3AF_ACTOR: 'tester', ...env },
    root,
  });
  return { code, ...written };
}
