// `node infra/tidy.mjs`: looks through every committed file for what tidy/rules.mjs names; prints complaints, exit 1 when any.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './setup/run.mjs';
import { rules } from './tidy/rules.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const isText = (path) => /\.(ts|tsx|mjs|cjs|js|json|ya?ml|md|c|h|sh|proto|css|html|txt)$/.test(path);

/** Tracked files and new ones that git does not ignore; what was deleted is gone. */
function listFiles() {
  const names = run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root });
  return [...new Set(names.split('\0').filter(Boolean))].flatMap((path) => {
    const found = statSync(join(root, path), { throwIfNoEntry: false });
    return found?.isFile() ? [{ path, bytes: found.size }] : [];
  });
}

/** Every complaint about the work tree. */
export function tidy() {
  const read = (path) => readFileSync(join(root, path), 'utf8');
  return listFiles().flatMap(({ path, bytes }) => {
    const file = { path, bytes, text: isText(path) ? read(path) : '' };
    return rules.flatMap((rule) => rule(file, { root, read }));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const complaints = tidy();
  for (const complaint of complaints) console.error(complaint);
  process.exitCode = complaints.length > 0 ? 1 : 0;
}
