// What `up` prints at the end: what runs where, the live chain, and what to try next.
import { readJson } from './home.mjs';

const pad = (text, width) => String(text).padEnd(width);

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  return rows.map((row) => `  ${row.map((cell, column) => pad(cell, widths[column])).join('  ')}`.trimEnd());
}

function chainLines(view) {
  const { desired, reported } = view ?? {};
  if (!desired) return ['  no chain (it was deleted): npx l3af apply -f infra/up/demo-chain.yaml'];
  const kfs = reported?.kfs ?? [];
  const state = reported ? `${reported.state}${reported.mode ? `, ${reported.mode} mode` : ''}` : 'pending';
  const rows = desired.kfs.map((kf, index) => {
    const counted = kfs.find(({ name }) => name === kf.name);
    const left = Object.entries(counted?.verdicts ?? {}).filter(([, count]) => count > 0);
    return [
      index + 1,
      kf.name,
      `${kf.package}@${kf.version}`,
      counted?.proceeded ?? '',
      left.map(([verdict, count]) => `${verdict} ${count}`).join(', '),
    ];
  });
  const head = `  ${view.node}/${view.interface}/${view.hook}: revision ${desired.revision}, ${state}`;
  return [
    head,
    ...(reported?.error ? [`  ${reported.error.message}`] : []),
    ...table([['', 'KF', 'package', 'went on', 'left with'], ...rows]),
  ];
}

/** What a chain that was refused, or that nobody confirmed, must not be called. */
function chainHeading(view) {
  const state = view?.reported?.state ?? 'pending';
  if (!view?.desired || state === 'live' || state === 'degraded') return 'The live chain, in packets:';
  return `The chain is ${state}; what ran before it still runs:`;
}

/** The summary as text. */
export function summarise(home, view, seconds) {
  const endpoints = readJson(home.endpoints);
  const pidOf = (service) => endpoints.processes.find((process) => process.service === service)?.pid ?? '';
  const node = endpoints.nodes[0];
  const env = process.env.L3AF_HOME ? `L3AF_HOME=${process.env.L3AF_HOME} ` : '';
  return [
    '',
    `L3AF runs (${seconds.toFixed(1)} s). State and logs: ${home.path}`,
    '',
    ...table([
      ['service', 'pid', 'where'],
      [
        'deploy-api',
        pidOf('deploy-api'),
        `${endpoints.api}  (REST; ${endpoints.api}/docs)  gRPC ${endpoints.grpc}`,
      ],
      ['artifact-registry', pidOf('artifact-registry'), endpoints.registry],
      ['config-store', pidOf('config-store'), ''],
      ['build-engine', pidOf('build-engine'), ''],
      [
        'executor',
        pidOf('executor'),
        `node ${node.name}: ${node.interfaces.join(', ')} in namespace ${node.netns}`,
      ],
      ['traffic', pidOf('traffic-send'), `peer in namespace ${node.peerNetns}`],
      ['nats-server', pidOf('nats-server'), endpoints.nats],
      ['postgres', pidOf('postgres'), endpoints.database.replace(/:[^:@/]+@/, ':***@')],
    ]),
    '',
    chainHeading(view),
    ...chainLines(view),
    '',
    'Try next:',
    `  ${env}npx l3af chain show ${node.name}`,
    `  ${env}npx l3af chain remove ${node.name} ${node.interfaces[0]} xdp edge-firewall`,
    `  ${env}npx l3af events --follow`,
    '',
  ].join('\n');
}
