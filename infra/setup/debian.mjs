// Debian packages: one dpkg-query says what is missing; installing starts no service, since a stranger's machine must get
// no surprise daemon (policy-rc.d is Debian's way to say so).
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/** What `npm run up` needs. */
export const runtimePackages = [
  'nats-server',
  'libbpf1',
  'libbpf-dev',
  'linux-libc-dev',
  'clang',
  'llvm',
  'bubblewrap',
  'iproute2',
  'iputils-ping',
  'git',
];

/** What only tests need: real registry clients and servers, other loaders, and the kernel matrix. */
export const testPackages = [
  'skopeo',
  'docker-registry',
  'xdp-tools',
  'bpftool',
  'tcpdump',
  'qemu-system-x86',
  'busybox-static',
  'openssh-server',
  'xz-utils',
];

const policyPath = '/usr/sbin/policy-rc.d';
const policyMark = '# l3af: no service is started by an installation';

/** The packages of `wanted` that dpkg does not know as installed. */
export function missingPackages(wanted) {
  const query = spawnSync('dpkg-query', ['-W', '-f', '${binary:Package} ${db:Status-Status}\n', ...wanted], {
    encoding: 'utf8',
  });
  if (query.error) {
    throw new Error(
      `Cannot install packages: this is no Debian system (${query.error.message}); install by hand: ${wanted.join(' ')}`,
    );
  }
  const installed = new Set();
  for (const line of query.stdout.split('\n')) {
    const [name, status] = line.split(' ');
    if (status === 'installed') installed.add(name.split(':')[0]);
  }
  return wanted.filter((name) => !installed.has(name));
}

/** Installs what is missing of `wanted`; needs root only when something is. */
export function ensureDebianPackages(wanted, say) {
  const missing = missingPackages(wanted);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    throw new Error(
      `Cannot install Debian packages: not root\nRun as root, or install them by hand: apt-get install ${missing.join(' ')}`,
    );
  }
  say(`installing Debian packages: ${missing.join(' ')}`);
  // The lock keeps two starts at once from restoring policy-rc.d under each other.
  run('flock', ['/run/lock/l3af-setup.lock', process.execPath, fileURLToPath(import.meta.url), ...missing]);
}

function withoutStartingServices(action) {
  const kept = `${policyPath}.l3af-kept`;
  const ours = existsSync(policyPath) && readFileSync(policyPath, 'utf8').includes(policyMark);
  if (existsSync(policyPath) && !ours) renameSync(policyPath, kept);
  writeFileSync(policyPath, `#!/bin/sh\n${policyMark}\nexit 101\n`);
  chmodSync(policyPath, 0o755);
  try {
    return action();
  } finally {
    rmSync(policyPath, { force: true });
    if (existsSync(kept)) renameSync(kept, policyPath);
  }
}

function install(names) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
  const apt = (...args) => run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=600', ...args], { env });
  const installNow = () => apt('install', '-y', '--no-install-recommends', ...names);
  withoutStartingServices(() => {
    try {
      installNow();
    } catch {
      // The package lists are missing or old; with new ones a second failure is the real one.
      apt('update');
      installNow();
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Interrupted from the keyboard: apt gets the signal too, and policy-rc.d must be restored after it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  const names = missingPackages(process.argv.slice(2));
  if (names.length > 0) install(names);
}
