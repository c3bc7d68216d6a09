import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compile } from '../testing/compile';

const run = promisify(execFile);

const burst = 100_000;
const packetsEach = Number(process.env['L3AF_PACKETS'] ?? 1_000_000); // fewer where the machine is emulated
/** From 198.51.100.1, UDP. */
const packet = Buffer.from(
  '020000000002020000000001080045000030000000004011f6b9c6336401c00002029c400035001cdf3c'.padEnd(124, '0'),
  'hex',
);

interface Bucket {
  credit: number;
  passed: number;
  dropped: number;
}

/** Through bpftool, so that each of the processes enters the kernel on its own. */
describe('the rate limiter under concurrency', () => {
  const folder = mkdtempSync(join(tmpdir(), 'l3af-ratelimiting-'));
  const pins = `/sys/fs/bpf/l3af-ratelimiting-${process.pid}`;
  const at = (path: string): string => join(pins, path);

  beforeAll(() => {
    if (!existsSync('/sys/fs/bpf') || !isBpffs()) execFileSync('mount', ['-t', 'bpf', 'bpf', '/sys/fs/bpf']);
    mkdirSync(pins);
    writeFileSync(join(folder, 'kf.o'), compile('ratelimiting/ratelimiting.bpf.c'));
    writeFileSync(join(folder, 'packet'), packet);
    execFileSync('bpftool', ['prog', 'loadall', join(folder, 'kf.o'), at('programs'), 'pinmaps', at('maps')]);
    const limit = Buffer.alloc(8);
    limit.writeUInt32LE(1, 0);
    limit.writeUInt32LE(burst, 4);
    const hex = (bytes: Buffer): string[] => [...bytes].map((byte) => `0x${byte.toString(16)}`);
    execFileSync('bpftool', [
      ...['map', 'update', 'pinned', at('maps/rate_limit')],
      ...['key', ...hex(Buffer.alloc(4)), 'value', ...hex(limit)],
    ]);
  });

  afterAll(() => {
    rmSync(pins, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  });

  function bucket(): Bucket {
    const dump = execFileSync('bpftool', ['-j', 'map', 'dump', 'pinned', at('maps/sources')]);
    const entries = JSON.parse(dump.toString()) as { formatted: { value: Bucket } }[];
    const [only] = entries.map(({ formatted }) => formatted.value);
    if (!only || entries.length !== 1) throw new Error(`${entries.length} sources, not one`);
    return only;
  }

  it('lets exactly the burst through, whoever of four processes sends', async () => {
    const started = process.hrtime.bigint();
    const programs = ['ratelimiting', 'ratelimiting_tc', 'ratelimiting', 'ratelimiting'];
    await Promise.all(
      programs.map((program, index) =>
        // Spread over the processors, or they might only take turns.
        run('taskset', [
          ...[
            '-c',
            String(index % cpus().length),
            'bpftool',
            'prog',
            'run',
            'pinned',
            at(`programs/${program}`),
          ],
          ...['data_in', join(folder, 'packet'), 'repeat', String(packetsEach)],
        ]),
      ),
    );
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;

    const { passed, dropped, credit } = bucket();
    expect(passed + dropped).toBe(4 * packetsEach);
    expect(passed).toBeGreaterThanOrEqual(burst);
    expect(passed).toBeLessThanOrEqual(burst + Math.ceil(seconds)); // one more a second
    expect(credit).toBeLessThan(1e9);
  });
});

function isBpffs(): boolean {
  return execFileSync('stat', ['-f', '-c', '%T', '/sys/fs/bpf']).toString().trim() === 'bpf_fs';
}
