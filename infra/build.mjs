// Compiles every TypeScript project of the workspace with SWC, one process, only what changed.
// Type checking is `npm run typecheck`; this only emits, which keeps `npm run up` quick.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';
import shared from './swc-options.cjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Compiler options of the build and of the tests; how a file is found again differs. */
export const swcOptions = { ...shared, sourceMaps: 'inline' };

/** Beside the code, where only those who ask for it read it: V8 keeps the text of what it runs in memory. */
const inDist = { sourceMaps: true };

export function projects() {
  return ['libs', 'services'].flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => join(root, group, name))
      .filter((dir) => existsSync(join(dir, 'package.json')) && existsSync(join(dir, 'src'))),
  );
}

function sources(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !/\.spec\.tsx?$/.test(path) && !relative(dir, path).startsWith('testing/'));
}

/** Two builds may run at once, and services read what they write: never half a file. */
function replaceFile(path, content) {
  const next = `${path}.${process.pid}.new`;
  writeFileSync(next, content);
  renameSync(next, path);
}

async function buildProject(project) {
  const src = join(project, 'src');
  const dist = join(project, 'dist');
  const recordPath = join(dist, '.build.json');
  let record = {};
  try {
    record = JSON.parse(readFileSync(recordPath, 'utf8'));
  } catch {
    rmSync(dist, { recursive: true, force: true }); // no record: start clean
  }
  const next = {};
  let compiled = 0;
  for (const path of sources(src)) {
    const name = relative(src, path);
    const content = readFileSync(path);
    const hash = createHash('sha256')
      .update(JSON.stringify([swcOptions, inDist]))
      .update(content)
      .digest('hex');
    const target = join(dist, name.replace(/\.ts$/, '.js'));
    next[name] = hash;
    if (record[name] === hash && existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    if (name.endsWith('.ts')) {
      const { code, map } = await transform(content.toString('utf8'), {
        ...swcOptions,
        ...inDist,
        filename: path,
        swcrc: false,
      });
      replaceFile(`${target}.map`, map);
      replaceFile(target, `${code}\n//# sourceMappingURL=${basename(target)}.map\n`);
    } else {
      replaceFile(target, content);
    }
    compiled++;
  }
  for (const name of Object.keys(record)) {
    if (name in next) continue;
    const target = join(dist, name.replace(/\.ts$/, '.js'));
    for (const stale of [target, `${target}.map`]) rmSync(stale, { force: true });
  }
  mkdirSync(dist, { recursive: true });
  replaceFile(recordPath, JSON.stringify(next));
  return compiled;
}

export async function build() {
  const counts = await Promise.all(projects().map(buildProject));
  return counts.reduce((sum, count) => sum + count, 0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now();
  const count = await build();
  console.error(`built ${count} files in ${Math.round(performance.now() - started)} ms`);
}
