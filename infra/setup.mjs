// Installs what is missing, once: npm packages and Debian packages. Plain Node without dependencies, since it runs before
// there are any; quick when nothing is missing. `node infra/setup.mjs [--tests]`
import { fileURLToPath } from 'node:url';
import { ensureDebianPackages, runtimePackages, testPackages } from './setup/debian.mjs';
import { ensureNodeVersion, ensureNpmPackages } from './setup/npm.mjs';
import { ensurePostgresUser } from './setup/postgres-user.mjs';

/** A problem that a person can mend: printed without a stack. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** Installs what `npm run up` needs; with `tests`, also what only tests need. `say` gets one line per thing done. */
export function setup({ tests = false, say = (line) => console.error(line) } = {}) {
  ensureNodeVersion();
  ensureDebianPackages(tests ? [...runtimePackages, ...testPackages] : runtimePackages, say);
  ensureNpmPackages(say);
  ensurePostgresUser(say);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now();
  try {
    setup({ tests: process.argv.includes('--tests') });
    console.error(`everything is installed (${Math.round(performance.now() - started)} ms)`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
