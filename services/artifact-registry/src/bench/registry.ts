// `npm run bench -- registry [--json]`: push and pull beside docker-registry, in turns in one run.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { closeConnections, contentOf, pull, push, streamOnce, timed } from './support/load';
import { peakMebibytes, startDockerRegistry, startNatsServer, startOurs } from './support/servers';
import type { Server } from './support/servers';

const mebi = 1024 * 1024;
const rounds = 5;
/** A package is pulled by many nodes: each blob more than once. */
const large = { bytes: 64 * mebi, count: 2, pulls: 3 };
/** For the memory that it takes: a blob larger than any registry may hold in memory. */
const streamedBytes = 1024 * mebi;
const small = { bytes: 2 * 1024, count: 200, width: 8, pulls: 1000 };

const measures = ['pushMiBps', 'pullMiBps', 'smallPushesPerSecond', 'smallPullsPerSecond'] as const;
type Round = Record<(typeof measures)[number], number>;

async function measure({ port }: Server): Promise<Round> {
  const blobs = Array.from({ length: large.count }, () => contentOf(large.bytes));
  const mebibytes = (large.count * large.bytes) / mebi;
  const pushMiBps = mebibytes / (await timed(blobs, 1, (blob) => push(port, blob)));
  const wanted = Array.from({ length: large.pulls }, () => blobs).flat();
  const pullMiBps = (mebibytes * large.pulls) / (await timed(wanted, 1, (blob) => pull(port, blob)));
  const bits = Array.from({ length: small.count }, () => contentOf(small.bytes));
  const smallPush = await timed(bits, small.width, (blob) => push(port, blob));
  const asked = Array.from({ length: small.pulls }, (_, index) => bits[index % bits.length]!);
  const smallPull = await timed(asked, small.width, (blob) => pull(port, blob));
  return {
    pushMiBps,
    pullMiBps,
    smallPushesPerSecond: small.count / smallPush,
    smallPullsPerSecond: small.pulls / smallPull,
  };
}

const median = (values: number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

function summaryOf(all: Round[]): Round {
  return Object.fromEntries(measures.map((name) => [name, median(all.map((one) => one[name]))])) as Round;
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'l3af-bench-registry-'));
  const nats = await startNatsServer(folder);
  const servers: Server[] = [];
  try {
    const NATS_URL = nats.url;
    servers.push(await startDockerRegistry(folder));
    servers.push(await startOurs('l3af on a directory', { NATS_URL, L3AF_BLOB_DIR: join(folder, 'ours') }));
    servers.push(await startOurs('l3af on JetStream', { NATS_URL }));
    servers.push(
      await startOurs('l3af on JetStream, nothing kept on disk', { NATS_URL, L3AF_CACHE_BYTES_MAX: '0' }),
    );
    for (const server of servers) {
      await streamOnce(server.port, streamedBytes);
      server.streamedMiB = peakMebibytes(server.pid);
    }
    const results = new Map<Server, Round[]>(servers.map((server) => [server, []]));
    for (let round = 0; round < rounds; round++)
      for (const server of servers) {
        // Nobody pays for what another has left to be written.
        await promisify(execFile)('sync');
        results.get(server)!.push(await measure(server));
      }
    report(results);
  } finally {
    closeConnections();
    await Promise.all(servers.map((server) => server.stop()));
    await nats.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function report(results: Map<Server, Round[]>): void {
  const rows = [...results].map(([server, all]) => ({
    name: server.name,
    ...summaryOf(all),
    idleMiB: server.idleMiB,
    streamedMiB: server.streamedMiB,
    peakMiB: peakMebibytes(server.pid),
  }));
  const [peer] = rows;
  const compared = rows.map((row) => ({
    ...row,
    ratios: Object.fromEntries(measures.map((name) => [name, row[name] / peer![name]])),
  }));
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ rounds, registries: compared })}\n`);
    return;
  }
  for (const row of compared) {
    process.stdout.write(
      `${row.name} (idle ${row.idleMiB} MiB, streaming 1 GiB ${row.streamedMiB - row.idleMiB} MiB more, at most ${row.peakMiB} MiB)\n`,
    );
    for (const name of measures)
      process.stdout.write(
        `  ${name.padEnd(22)} ${row[name].toFixed(0).padStart(8)}  ${row.ratios[name]!.toFixed(2)} of the peer\n`,
      );
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
