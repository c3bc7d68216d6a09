import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { compileLimits } from './limits';
import { runInSandbox, type SandboxResult } from './sandbox';
import { findToolchain } from './toolchain';

const limits = { ...compileLimits, wallMs: 20_000, processes: 16 };

/** Busybox plays the attacker that has taken over the compiler. */
async function attack(script: string, more: Partial<typeof limits> = {}): Promise<SandboxResult> {
  const { binds } = await findToolchain();
  const busybox = execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim();
  return runInSandbox({
    command: ['/bin/busybox', 'sh', '-c', script],
    binds: [...binds, { from: busybox, to: '/bin/busybox' }],
    folder: '/',
    limits: { ...limits, ...more },
  });
}
const said = ({ stdout, stderr }: SandboxResult): string => `${stdout.toString()}${stderr}`;

describe('the sandbox', () => {
  it('shows nothing of the host but the compiler', async () => {
    const result = await attack('busybox ls / /etc /proc /dev /root /home /tmp /work /sys; busybox env');
    expect(result.stdout.toString().split('\n').slice(0, 8).filter(Boolean).sort()).toEqual(
      expect.arrayContaining(['/:', 'bin', 'lib', 'lib64', 'usr']),
    );
    for (const place of ['/etc', '/proc', '/dev', '/root', '/home', '/tmp', '/sys']) {
      expect(said(result)).toContain(`${place}: No such file or directory`);
    }
    expect(said(result)).not.toContain('PATH=/usr/bin');
  });

  it('lets nothing be written', async () => {
    const result = await attack('for d in / /usr /bin /usr/include; do echo x > $d/x && echo WROTE; done');
    expect(said(result)).not.toContain('WROTE');
    expect(said(result)).toMatch(/Read-only file system|Permission denied/);
  });

  it('runs as nobody, without privileges, and cannot become anybody', async () => {
    const result = await attack(
      'busybox id -u; busybox chroot / busybox id; busybox mount -t tmpfs none /usr; busybox su',
    );
    const uid = Number(said(result).split('\n')[0]);
    expect(uid).toBeGreaterThan(1000);
    expect(said(result)).toMatch(/can't change root directory.*not permitted/);
    expect(said(result)).toMatch(/mount: .*(permission denied|not permitted|must be superuser)/i);
  });

  it('has no network, not even to the host itself', async () => {
    const server = createServer((socket) => socket.end('leaked')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const result = await attack(
      `busybox ip link; busybox nc -w 2 127.0.0.1 ${port}; busybox nc -w 2 192.0.2.1 80`,
    );
    server.close();
    expect(said(result)).toMatch(/1: lo:/);
    expect(said(result)).not.toMatch(/2: |leaked/);
    expect(said(result)).toMatch(/Connection refused/);
    expect(said(result)).toMatch(/Network is unreachable/);
  });

  it('ends a fork bomb at its limit of processes, and leaves none behind', async () => {
    const before = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
    const result = await attack('f() { f | f & f; }; f; echo survived', { wallMs: 5_000 });
    expect(said(result)).toMatch(/can't fork|Resource temporarily unavailable/);
    const after = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
    expect(after - before).toBeLessThan(limits.processes);
  });

  it('ends many processes that use much together, though none does', async () => {
    // The shell has no /dev/null for what it would run in the background; ends of a pipe run beside each other.
    const eat = 'eat() { x=aaaaaaaa; until [ ${#x} -gt 20000000 ]; do x=$x$x; done; busybox sleep 60; }';
    const eaters = `${eat}; eat | eat | eat | eat`;
    const together = { memoryBytes: 60 * 1024 * 1024, cpuSeconds: 600 };
    expect((await attack(eaters, { together, wallMs: 60_000 })).exceeded).toBe('memory');
    const spinners = 'spin() { while :; do :; done; }; spin | spin | spin | spin';
    const short = { memoryBytes: 1024 ** 3, cpuSeconds: 1 };
    expect((await attack(spinners, { together: short, wallMs: 60_000 })).exceeded).toBe('CPU time');
  });

  it('ends what eats memory, time or output', async () => {
    const memory = await attack('x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done', {
      memoryBytes: 64 * 1024 * 1024,
    });
    expect(memory.exitCode).not.toBe(0);
    const time = await attack('busybox sleep 1000', { wallMs: 500 });
    expect(time.exceeded).toBe('time');
    const cpu = await attack('while :; do :; done', { cpuSeconds: 1 });
    expect(cpu.exitCode).toBe(128 + 9);
    const output = await attack('while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done', {
      outputBytes: 100_000,
    });
    expect(output.exceeded).toBe('output');
    expect(output.stdout.length).toBeLessThanOrEqual(100_000);
    const log = await attack(
      'i=0; while [ $i -lt 3000 ]; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa >&2; i=$((i+1)); done',
      { logBytes: 1_000 },
    );
    expect(log.stderr.length).toBeLessThan(1_100);
    expect(log.stderr).toContain('bytes are left out here');
  });

  it('ends with the build that is cancelled', async () => {
    const { binds } = await findToolchain();
    const busybox = execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim();
    const cancel = new AbortController();
    const run = runInSandbox({
      command: ['/bin/busybox', 'sleep', '1000'],
      binds: [...binds, { from: busybox, to: '/bin/busybox' }],
      folder: '/',
      limits,
      signal: cancel.signal,
    });
    cancel.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
  });

  it('that cannot be made is told as that, not as a failure of what would run in it', async () => {
    const run = {
      command: ['/bin/true'],
      binds: [{ from: '/nowhere', to: '/nowhere' }],
      folder: '/',
      limits,
    };
    await expect(runInSandbox(run)).rejects.toMatchObject({
      code: 'toolchain-missing',
      message: expect.stringContaining("Can't find source path /nowhere"),
    });
  });
});
