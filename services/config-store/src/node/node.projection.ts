import type { L3afEvent, NodeFacts } from '@l3af/contracts';
import type { Projection } from '@l3af/event-store';
import { jsonRows } from '../database/json-rows';

interface Change {
  name: string;
  registered_at?: string;
  facts?: NodeFacts;
  labels?: Record<string, string>;
}

/** Nodes, from `l3af.evt.node.…` and `l3af.evt.labels.…`. */
export const nodeProjection: Projection = {
  name: 'nodes',
  version: 1,
  subjects: ['l3af.evt.node.', 'l3af.evt.labels.'],

  async apply(manager, stored) {
    const changes = new Map<string, Change>();
    for (const { envelope, events } of stored) {
      for (const event of events) {
        const change = changeOf(event, envelope.at);
        const before = changes.get(change.name);
        // Registering again (another executor on the node) keeps the first date.
        changes.set(change.name, { ...change, ...before, ...withoutDate(change) });
      }
    }
    await manager.query(
      `insert into node as kept (name, registered_at, facts, labels)
       select name, registered_at, facts, coalesce(labels, '{}')
       from jsonb_to_recordset($1::jsonb) as new(name text, registered_at text, facts jsonb, labels jsonb)
       on conflict (name) do nothing`,
      [jsonRows([...changes.values()])],
    );
    await manager.query(
      `update node as kept
       set registered_at = coalesce(kept.registered_at, new.registered_at),
           facts = coalesce(new.facts, kept.facts),
           labels = coalesce(new.labels, kept.labels)
       from jsonb_to_recordset($1::jsonb) as new(name text, registered_at text, facts jsonb, labels jsonb)
       where kept.name = new.name`,
      [jsonRows([...changes.values()])],
    );
  },

  async clear(manager) {
    await manager.query('truncate node');
  },
};

function changeOf(event: L3afEvent, at: string): Change {
  switch (event.type) {
    case 'NodeRegistered':
    case 'NodeChanged':
      return { name: event.data.node, registered_at: at, facts: event.data };
    case 'NodeLabelled':
      return { name: event.data.node, labels: event.data.labels };
    default:
      throw new Error(`Cannot project event "${event.type}": it says nothing about a node`);
  }
}

function withoutDate({ registered_at: _, ...change }: Change): Change {
  return change;
}
