// npm packages: `npm ci` when node_modules is missing or is not what the lock says.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const oldest = [20, 20];

export function ensureNodeVersion() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    throw new Error(
      `Cannot run on Node ${process.versions.node}: needs ${oldest.join('.')} or newer (20, 22 and 24 are tested)`,
    );
  }
}

function readPackages(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

/** Why node_modules must be installed again; undefined when it is as the lock says. npm keeps its own record in it. */
export function npmStaleness(folder = root) {
  const installedPath = join(folder, 'node_modules/.package-lock.json');
  if (!existsSync(installedPath)) return 'node_modules is missing';
  const installed = readPackages(installedPath);
  for (const [name, wanted] of Object.entries(readPackages(join(folder, 'package-lock.json')))) {
    // The root and the workspaces are not installed; a package for another platform may be absent.
    if (!name.startsWith('node_modules/') || wanted.optional) continue;
    const found = installed[name];
    if (found?.version !== wanted.version || found?.resolved !== (wanted.resolved ?? found?.resolved)) {
      return `${name.slice('node_modules/'.length)} is not the version that package-lock.json names`;
    }
  }
  return undefined;
}

export function ensureNpmPackages(say) {
  const reason = npmStaleness();
  if (!reason) return;
  say(`installing npm packages (${reason})`);
  // Two starts at once must not install into the same folder; the second finds nothing to do.
  const script = `import { npmStaleness } from ${JSON.stringify(import.meta.url)};
    import { spawnSync } from 'node:child_process';
    if (npmStaleness()) process.exit(spawnSync('npm', ['ci', '--no-fund', '--no-audit'], { stdio: 'inherit' }).status ?? 1);`;
  run('flock', [join(root, 'package-lock.json'), process.execPath, '--input-type=module', '-e', script], {
    cwd: root,
  });
}
