import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withId } from '../../bpf/info';
import { freplaceOutcome } from '../../features/freplace';
import { readLink } from '../../net/links';
import { ownNetns } from '../../sys/libc';

/** As many programs as a dispatcher has places for. */
const programsMax = 10;
const loopback = 1;

/** Why xdp-loader's dispatcher cannot be measured here; undefined when it can. */
export function whyNoDispatcher(): string | undefined {
  if (freplaceOutcome() !== true) return 'this machine does not permit freplace programs';
  try {
    execFileSync('xdp-loader', ['--help'], { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? 'there is no xdp-loader (Debian and Ubuntu: apt-get install xdp-tools)' : undefined;
  }
}

// libxdp wants the context's own type and BTF; the fields are not looked at.
const source = `struct xdp_md { unsigned int data; };
__attribute__((section("xdp"), used)) int kf(struct xdp_md *ctx) { return 2; }
char LICENSE[] __attribute__((section("license"), used)) = "Dual BSD/GPL";`;

/** Compiles the smallest program that xdp-loader takes, into a folder. */
export function compileForLoader(folder: string): string {
  writeFileSync(join(folder, 'kf.c'), source);
  execFileSync('clang', ['-O2', '-g', '-target', 'bpf', '-c', 'kf.c', '-o', 'kf.o'], { cwd: folder });
  return join(folder, 'kf.o');
}

let hasOwnNetns = false;

/**
 * Has xdp-loader load an object so many times onto the loopback interface of a namespace that nobody else uses, and runs `body` with the
 * dispatcher that it makes. Undefined where the dispatcher has too few places.
 */
export function withDispatcher<T>(
  count: number,
  path: string,
  body: (programFd: number) => T,
): T | undefined {
  if (count > programsMax) return undefined;
  if (!hasOwnNetns) ownNetns();
  hasOwnNetns = true;
  const loader = (...args: string[]): unknown =>
    execFileSync('xdp-loader', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  loader('load', '-m', 'skb', 'lo', ...Array.from({ length: count }, () => path));
  try {
    const id = readLink(undefined, loopback)?.xdp.generic;
    return id === undefined ? undefined : withId('program', id, body);
  } finally {
    loader('unload', '--all', 'lo');
  }
}
