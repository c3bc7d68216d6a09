import type { BuildView, L3afEvent } from '@l3af/contracts';
import type { Projection } from '@l3af/event-store';
import { jsonRows } from '../database/json-rows';
import { evolveBuild } from './build.state';

interface Row {
  id: string;
  sequence: number;
  view: BuildView;
}

/** Builds, from `l3af.evt.build-request.…` and `l3af.evt.build.…`. */
export const buildProjection: Projection = {
  name: 'builds',
  version: 2,
  subjects: ['l3af.evt.build-request.', 'l3af.evt.build.'],

  async apply(manager, stored) {
    const ids = new Set(stored.flatMap(({ events }) => events.map(buildOf)));
    const known = await manager.query<Row[]>('select id, sequence, view from build where id = any($1)', [
      [...ids],
    ]);
    const rows = new Map(known.map((row) => [row.id, row]));
    for (const { sequence, envelope, events } of stored) {
      for (const event of events) {
        const id = buildOf(event);
        const before = rows.get(id);
        const view = evolveBuild(before?.view, event, envelope);
        if (view) rows.set(id, { id, sequence: before?.sequence ?? sequence, view });
      }
    }
    await manager.query(
      `insert into build (id, sequence, view)
       select * from jsonb_to_recordset($1::jsonb) as new(id text, sequence bigint, view jsonb)
       on conflict (id) do update set view = excluded.view`,
      [jsonRows([...rows.values()])],
    );
  },

  async clear(manager) {
    await manager.query('truncate build');
  },
};

function buildOf(event: L3afEvent): string {
  if ('build' in event.data) return event.data.build;
  throw new Error(`Cannot project event "${event.type}": it says nothing about a build`);
}
