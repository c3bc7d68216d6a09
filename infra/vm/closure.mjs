// Which folders of node_modules a few packages need, by the lock file: a virtual machine gets those and no more.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../up/home.mjs';

/** Where npm would find `name` for the package at `from`: the nearest node_modules upwards. */
function locate(packages, from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const path = `${at ? `${at}/` : ''}node_modules/${name}`;
    if (packages[path]) return path;
    if (!at) return undefined;
  }
}

/** The folders (relative to the clone) of the named packages and everything they depend on. */
export function packageFolders(names) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const found = new Set();
  const queue = names.map((name) => ['', name]);
  for (let next = queue.pop(); next; next = queue.pop()) {
    const path = locate(packages, ...next);
    if (!path || found.has(path) || packages[path].link || !existsSync(join(root, path))) continue;
    found.add(path);
    const { dependencies, optionalDependencies, peerDependencies } = packages[path];
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }))
      queue.push([path, name]);
  }
  return [...found];
}
