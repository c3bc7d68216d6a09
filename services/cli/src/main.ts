import { join } from 'node:path';
import { runCli } from './run-cli';

// Written this way so that what is still buffered for a pipe is not lost, as it would be by process.exit.
const run = runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  root: join(__dirname, '../../..'),
});
void run.then((code) => {
  process.exitCode = code;
});
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader (head, less) went away: not a failure of ours.
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});
