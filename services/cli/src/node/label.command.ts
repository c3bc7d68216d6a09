import { nodeLabelledSchema } from '@l3af/contracts';
import { InvalidArgumentError, type Command } from 'commander';
import { changeWhole } from '../api/set-whole';
import type { Surroundings } from '../surroundings';
import { action, nodeArgument } from '../usage';

type Assignment = [key: string, value: string | undefined];

/** `l3af nodes label`: others' labels stay as they are. */
export function addLabelCommand(nodes: Command, surroundings: Surroundings): void {
  const label = nodes
    .command('label')
    .description('give a node labels, such as group=edge, which says whose trust and policy it has')
    .addArgument(nodeArgument())
    .argument('<labels...>', 'KEY=VALUE sets a label, KEY- takes it away', assignment);
  action(label, surroundings, async (session, _options, [node, assignments]) => {
    const changes = assignments as unknown as Assignment[];
    const path = `/v1/nodes/${encodeURIComponent(node!)}/labels`;
    const whole = {
      path,
      schema: nodeLabelledSchema.shape.data,
      none: { node: node!, labels: {} },
      bodyOf: ({ labels }: { labels: Record<string, string> }) => ({ labels }),
    };
    const { value, changed } = await changeWhole(session, whole, (before) => ({
      ...before,
      labels: relabelled(before.labels, changes),
    }));
    session.print.result({ ...value, changed }, () => `${value.node}: ${labelsText(value.labels)}`);
  });
}

function assignment(text: string, before: Assignment[] = []): Assignment[] {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key !== undefined) return [...before, [key, value]];
  if (/^[^=]+-$/.test(text)) return [...before, [text.slice(0, -1), undefined]];
  throw new InvalidArgumentError('Labels are KEY=VALUE, or KEY- to take one away.');
}

function relabelled(labels: Record<string, string>, changes: readonly Assignment[]): Record<string, string> {
  const all = new Map(Object.entries(labels));
  for (const [key, value] of changes)
    if (value === undefined) all.delete(key);
    else all.set(key, value);
  return Object.fromEntries(all);
}

const labelsText = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ') || 'no labels';
