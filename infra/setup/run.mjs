// Running other programs: the output is kept and shown only when the program fails.
import { spawnSync } from 'node:child_process';

/** Runs a program to its end and returns what it printed; throws with its last lines when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 << 20,
    ...options,
  });
  if (result.error) {
    throw new Error(`Cannot run "${command}": ${result.error.message}`, { cause: result.error });
  }
  if (result.status !== 0) {
    const ended = result.signal ? `signal ${result.signal}` : `exit code ${result.status}`;
    const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trimEnd().split('\n').slice(-20).join('\n');
    throw new Error(`Cannot run "${[command, ...args].join(' ')}": ${ended}\n${output}`);
  }
  return result.stdout ?? '';
}

/** Like {@link run}, but answers whether it succeeded. */
export function succeeds(command, args, options = {}) {
  return spawnSync(command, args, { stdio: 'ignore', ...options }).status === 0;
}
