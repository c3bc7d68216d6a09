import { nodeViewSchema, type NodeView } from '@l3af/contracts';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Printer } from '../output/printer';
import { bytes, moment } from '../output/words';
import type { Surroundings } from '../surroundings';
import { action } from '../usage';
import { addLabelCommand } from './label.command';

/** `l3af nodes`, and `l3af nodes label`. */
export function addNodesCommand(program: Command, surroundings: Surroundings): void {
  const nodes = program.command('nodes').description('list the nodes that have registered');
  action(nodes, surroundings, async ({ api, print }) => {
    const views = await api.ask('/v1/nodes', z.array(nodeViewSchema));
    print.result(views, () => (views.length === 0 ? 'no node has registered yet' : nodesTable(views, print)));
  });
  addLabelCommand(nodes, surroundings);
}

export function nodesTable(nodes: NodeView[], print: Printer): string {
  const { style } = print;
  const rows = nodes.map((node) => [
    node.name,
    node.state === 'ready' ? style.green(node.state) : style.red(node.state),
    node.kernel,
    node.interfaces.map(({ name }) => name).join(' '),
    Object.entries(node.labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ') || '-',
    node.lastSeenAt === null ? 'never' : moment(node.lastSeenAt),
    node.rssBytes === null ? '-' : bytes(node.rssBytes),
  ]);
  return print.table(
    [
      { head: 'node' },
      { head: 'state' },
      { head: 'kernel' },
      { head: 'interfaces', flexible: true },
      { head: 'labels' },
      { head: 'last seen' },
      { head: 'memory', align: 'right' },
    ],
    rows,
  );
}
