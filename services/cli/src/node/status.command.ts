import { chainViewSchema, nodeViewSchema, projectionStatusSchema, type ChainView } from '@l3af/contracts';
import type { Command } from 'commander';
import { z } from 'zod';
import { stateText } from '../chain/chain.tables';
import type { Printer } from '../output/printer';
import { count } from '../output/words';
import type { Surroundings } from '../surroundings';
import { action } from '../usage';
import { nodesTable } from './nodes.command';

/** What `/v1/status` answers; every part may be missing while the service behind it is away. */
const statusSchema = z.object({
  bus: z.unknown().optional(),
  streamSequence: z.number().optional(),
  services: z
    .array(z.object({ name: z.string(), state: z.string(), detail: z.string().optional() }))
    .optional(),
  projections: z.array(projectionStatusSchema).optional(),
  nodes: z.array(nodeViewSchema).optional(),
  chains: z.array(chainViewSchema).optional(),
});
type Status = z.infer<typeof statusSchema>;

/** `l3af status`. */
export function addStatusCommand(program: Command, surroundings: Surroundings): void {
  const status = program.command('status').description('services, projections, nodes and chains at a glance');
  action(status, surroundings, async ({ api, print }) => {
    const found = await api.ask('/v1/status', statusSchema);
    print.result(found, () => statusText(found, api.url, print));
  });
}

function statusText(status: Status, url: string, print: Printer): string {
  const parts = [`${print.style.bold('API')}  ${url}`];
  if (status.services) {
    const rows = status.services.map(({ name, state, detail }) => [name, state, detail ?? '']);
    parts.push(
      print.table([{ head: 'service' }, { head: 'state' }, { head: 'detail', flexible: true }], rows),
    );
  }
  if (status.projections) parts.push(projectionsTable(status.projections, print));
  if (status.nodes) parts.push(status.nodes.length === 0 ? 'no nodes' : nodesTable(status.nodes, print));
  if (status.chains) parts.push(status.chains.length === 0 ? 'no chains' : chainsTable(status.chains, print));
  return parts.join('\n\n');
}

function projectionsTable(projections: NonNullable<Status['projections']>, print: Printer): string {
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
