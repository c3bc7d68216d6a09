// Where one L3AF lives: its folder (L3AF_HOME), and the names derived from it that keep several on one machine apart.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const defaultPortBase = 8400;

/** The paths and names of one home. `instance` is unique per L3AF_HOME and names bpffs folder, namespaces and processes. */
export function openHome(path = process.env.L3AF_HOME || join(root, '.l3af')) {
  const folder = resolve(path);
  mkdirSync(folder, { recursive: true });
  const home = realpathSync(folder);
  const instance = createHash('sha256').update(home).digest('hex').slice(0, 8);
  const at = (...parts) => join(home, ...parts);
  return {
    path: home,
    instance,
    logs: at('logs'),
    keys: at('keys'),
    nats: at('nats'),
    cache: at('cache'),
    work: at('work'),
    state: at('state.json'),
    /** What was chosen on the command line and holds until something else is. */
    choices: at('choices.json'),
    endpoints: at('endpoints.json'),
    /** Where Postgres keeps data (and binaries) when it may not enter this folder. */
    outside: `/var/lib/l3af/${instance}`,
    bpffs: `/sys/fs/bpf/l3af/${instance}`,
    netns: `l3af-${instance}-demo-1`,
    peerNetns: `l3af-${instance}-peer`,
  };
}

/** Ports from the base, as docs and scripts know them. */
export function portsFrom(base) {
  return {
    api: base,
    grpc: base + 1,
    registry: base + 2,
    nats: base + 3,
    natsMonitoring: base + 4,
    postgres: base + 5,
    metrics: {
      'deploy-api': base + 20,
      'config-store': base + 21,
      'build-engine': base + 22,
      'artifact-registry': base + 23,
      executor: base + 24,
    },
  };
}

/** Every port of {@link portsFrom} with the name of what listens on it. */
export function portList(base) {
  const { metrics, ...ports } = portsFrom(base);
  const metricsPorts = Object.entries(metrics).map(([service, port]) => [`metrics of ${service}`, port]);
  return [...Object.entries(ports), ...metricsPorts];
}

/** Writes JSON so that a reader (or a crash) never sees half of it. */
export function writeJson(path, value) {
  const next = `${path}.${process.pid}.new`;
  writeFileSync(next, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(next, path);
}

/** Reads JSON; undefined when the file is missing or was cut short. */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
