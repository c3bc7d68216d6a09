import { chainViewSchema, statusViewSchema, type ChainView, type StatusView } from '@l3af/contracts';
import type { Command } from 'commander';
import { z } from 'zod';
import { stateText } from '../chain/chain.tables';
import type { Printer } from '../output/printer';
import { bytes, count, moment } from '../output/words';
import type { Session } from '../session';
import type { Surroundings } from '../surroundings';
import { action } from '../usage';

/** Chains are asked for node by node, so of a large fleet they are left out. */
const nodesWithChainsMax = 50;

/** `l3af status`. */
export function addStatusCommand(program: Command, surroundings: Surroundings): void {
  const status = program.command('status').description('services, projections, nodes and chains at a glance');
  action(status, surroundings, async (session) => {
    const found = await session.api.ask('/v1/status', statusViewSchema);
    const chains = await chainsOf(session, found);
    session.print.result({ api: session.api.url, ...found, chains }, () =>
      statusText(found, chains, session),
    );
  });
}

async function chainsOf({ api, print }: Session, { nodes }: StatusView): Promise<ChainView[]> {
  if (nodes.length > nodesWithChainsMax) {
    print.note(`chains of ${nodes.length} nodes are not listed; \`l3af chain show NODE\` does`);
    return [];
  }
  const lists = nodes.map(({ name }) =>
    api
      .ask(`/v1/nodes/${encodeURIComponent(name)}/chains`, z.array(chainViewSchema))
      .catch((error: Error) => {
        print.note(error.message);
        return [];
      }),
  );
  return (await Promise.all(lists)).flat();
}

function statusText(status: StatusView, chains: ChainView[], { api, print }: Session): string {
  const parts = [servicesTable(status, api.url, print)];
  if (status.projections.length > 0) parts.push(projectionsTable(status, print));
  if (status.nodes.length > 0) parts.push(nodesTable(status, print));
  if (chains.length > 0) parts.push(chainsTable(chains, print));
  const problems = status.problems.map(({ message }) => print.style.red(message));
  return [...parts, ...(problems.length > 0 ? [problems.join('\n')] : [])].join('\n\n');
}

function servicesTable(status: StatusView, url: string, print: Printer): string {
  const { bus, streamSequence, nodes, registry } = status;
  const { style } = print;
  const state = (up: boolean): string => (up ? style.green('up') : style.red('away'));
  const ready = nodes.filter((node) => node.state === 'ready').length;
  const version = bus.serverVersion ?? 'unknown version';
  const sequence = streamSequence === null ? '' : `event stream at ${count(streamSequence)}`;
  return print.table(
    [{ head: 'service' }, { head: 'state' }, { head: 'detail', flexible: true }],
    [
      ['deploy-api', state(true), url],
      ['nats-server', state(bus.connected), bus.server ? `${bus.server} (${version})` : ''],
      ['config-store', state(streamSequence !== null), sequence],
      ...(registry ? [['artifact-registry', state(registry.reachable), registry.url]] : []),
      ...buildersRow(status, state),
      ['executors', state(ready === nodes.length && ready > 0), `${ready} of ${nodes.length} nodes ready`],
    ],
  );
}

/** An API that does not tell of them is an older one. */
function buildersRow({ builders }: StatusView, state: (up: boolean) => string): string[][] {
  if (builders === undefined) return [];
  if (builders === null) return [['build-engine', state(false), '']];
  const { idle, busy, queued } = builders;
  const detail = `${count(idle)} waiting for work, ${count(busy)} building, ${count(queued)} in the queue`;
  return [['build-engine', state(idle + busy > 0), detail]];
}

function projectionsTable({ projections }: StatusView, print: Printer): string {
  const { style } = print;
  const rows = projections.map(({ name, state, sequence, lag, error }) => [
    name,
    state === 'stopped' ? style.red(state) : style.green(state),
    count(sequence),
    count(lag),
    error ? `event ${error.sequence}: ${error.message}` : '',
  ]);
  return print.table(
    [
      { head: 'projection' },
      { head: 'state' },
      { head: 'sequence', align: 'right' },
      { head: 'lag', align: 'right' },
      { head: 'reason', flexible: true },
    ],
    rows,
  );
}

function nodesTable({ nodes }: StatusView, print: Printer): string {
  const { style } = print;
  const rows = nodes.map(({ name, state, lastSeenAt, rssBytes }) => [
    name,
    state === 'ready' ? style.green(state) : style.red(state),
    lastSeenAt === null ? 'never' : moment(lastSeenAt),
    rssBytes === null ? '-' : bytes(rssBytes),
  ]);
  return print.table(
    [{ head: 'node' }, { head: 'state' }, { head: 'last seen' }, { head: 'memory', align: 'right' }],
    rows,
  );
}

function chainsTable(chains: ChainView[], print: Printer): string {
  const rows = chains.map(({ node, interface: name, hook, desired, reported }) => [
    node,
    name,
    hook,
    stateText(reported?.state ?? 'pending', print.style),
    desired ? String(desired.revision) : 'deleted',
    desired?.kfs.map((kf) => kf.name).join(' → ') ?? '',
  ]);
  return print.table(
    [
      { head: 'node' },
      { head: 'interface' },
      { head: 'hook' },
      { head: 'state' },
      { head: 'revision', align: 'right' },
      { head: 'kfs', flexible: true },
    ],
    rows,
  );
}
