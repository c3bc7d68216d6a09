// `npm run bench -- NAME [--json] [--kernel VERSION]`: builds, then runs the benchmark from the package that has it. JSON goes to stdout
// alone. With a kernel of the matrix, a benchmark of libs/kernel (`chain`) runs on that one, in emulation.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { root } from './up/home.mjs';

setup();

/** Benchmarks by name: `src/bench/NAME.ts` of any package, and `infra/bench/NAME.mjs` of them all together. */
function findBenchmarks() {
  const packages = ['libs', 'services'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(root, group, name)),
  );
  const together = readdirSync(join(root, 'infra/bench')).map((name) => [
    name.replace(/\.mjs$/, ''),
    join(root, 'infra/bench', name),
  ]);
  return new Map([
    ...together,
    ...packages.flatMap((folder) => {
      const sources = join(folder, 'src/bench');
      if (!existsSync(sources)) return [];
      const names = readdirSync(sources)
        .filter((name) => /^[a-z-]+\.ts$/.test(name))
        .map((name) => name.slice(0, -3));
      return names.map((name) => [name, join(folder, 'dist/bench', `${name}.js`)]);
    }),
  ]);
}

const known = findBenchmarks();
const [name, ...args] = process.argv.slice(2);
const path = known.get(name);
if (!path) {
  console.error(
    `${name ? `Cannot run benchmark "${name}": there is none` : 'Usage: npm run bench -- NAME [--json]'}`,
  );
  console.error(`The benchmarks are: ${[...known.keys()].sort().join(', ') || 'none yet'}`);
  process.exit(2);
}
const built = spawnSync(process.execPath, [join(root, 'infra/build.mjs')], { stdio: ['ignore', 2, 2] });
if (built.status !== 0) process.exit(1);
const at = args.indexOf('--kernel');
if (at >= 0) {
  const [, version] = args.splice(at, 2);
  const { benchOn } = await import('./vm/bench.mjs');
  const { code, text } = await benchOn(version, { benchmark: path, args });
  process.stdout.write(text);
  process.exit(code);
}
const result = spawnSync(process.execPath, ['--expose-gc', path, ...args], { cwd: root, stdio: 'inherit' });
process.exit(result.status ?? 1);
