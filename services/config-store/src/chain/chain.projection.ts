import { parseChainSubject, type ChainKey, type ChainHistoryEntry } from '@l3af/contracts';
import type { Projection, StoredEnvelope } from '@l3af/event-store';
import type { EntityManager } from 'typeorm';
import { jsonRows } from '../database/json-rows';
import {
  evolve,
  initialState,
  isChainEvent,
  outcomeOf,
  type ChainState,
  type ChainStory,
} from './chain.state';

type RevisionRow = ChainKey & Omit<ChainHistoryEntry, 'error'> & { error: ChainHistoryEntry['error'] | null };
type OutcomeRow = ChainKey & Pick<RevisionRow, 'revision' | 'outcome' | 'error'>;

interface Folding {
  key: ChainKey;
  state: ChainState;
}

/** Chains and their histories, from `l3af.evt.chain.…` and `l3af.evt.report.…`. */
export const chainProjection: Projection = {
  name: 'chains',
  version: 1,
  subjects: ['l3af.evt.chain.', 'l3af.evt.report.'],

  async apply(manager, events) {
    const fold = new ChainFold();
    const named = events.map((stored) => ({ stored, key: keyOf(stored) }));
    await fold.load(
      manager,
      named.map(({ key }) => key),
    );
    for (const { stored, key } of named) fold.add(key, stored);
    await fold.save(manager);
  },

  async clear(manager) {
    await manager.query('truncate chain, chain_revision');
  },
};

function keyOf({ subject }: StoredEnvelope): ChainKey {
  const key = parseChainSubject(subject);
  if (!key) throw new Error(`Cannot read chain subject "${subject}": no node, interface and hook in it`);
  return key;
}

/** Folds a batch in memory, so that the database sees each chain and each revision once per batch. */
class ChainFold {
  private readonly chains = new Map<string, Folding>();
  private readonly revisions = new Map<string, RevisionRow>();
  private readonly outcomes = new Map<string, OutcomeRow>();

  async load(manager: EntityManager, keys: ChainKey[]): Promise<void> {
    for (const key of keys) this.chains.set(textOf(key), { key, state: initialState });
    const distinct = [...this.chains.values()].map(({ key }) => key);
    const rows = await manager.query<(ChainKey & { state: ChainState })[]>(
      `select chain.node, chain.interface, chain.hook, chain.state
       from jsonb_to_recordset($1::jsonb) as wanted(node text, interface text, hook text)
       join chain using (node, interface, hook)`,
      [jsonRows(distinct)],
    );
    for (const { state, ...key } of rows) this.chains.set(textOf(key), { key, state });
  }

  add(key: ChainKey, { sequence, envelope, events }: StoredEnvelope): void {
    const folding = this.chains.get(textOf(key))!;
    for (const event of events as ChainStory[]) {
      const { at, actor } = envelope;
      if (isChainEvent(event)) {
        this.supersede(folding);
        const { revision, change } = event.data;
        const kfs = event.type === 'ChainRevised' ? event.data.kfs : [];
        const row = {
          ...key,
          sequence,
          at,
          actor,
          revision,
          change,
          kfs,
          outcome: 'pending',
          error: null,
        } as const;
        this.revisions.set(revisionText(key, revision), row);
      } else {
        const become = outcomeOf(event);
        if (become) this.become({ ...key, ...become });
      }
      folding.state = evolve(folding.state, event, { sequence, at });
    }
  }

  async save(manager: EntityManager): Promise<void> {
    await manager.query(
      `insert into chain (node, interface, hook, deleted, state)
       select * from jsonb_to_recordset($1::jsonb)
         as new(node text, interface text, hook text, deleted boolean, state jsonb)
       on conflict (node, interface, hook) do update set deleted = excluded.deleted, state = excluded.state`,
      [
        jsonRows(
          [...this.chains.values()].map(({ key, state }) => ({
            ...key,
            deleted: state.desired?.deleted ?? true,
            state,
          })),
        ),
      ],
    );
    if (this.revisions.size > 0) await this.saveRevisions(manager);
    if (this.outcomes.size > 0) await this.saveOutcomes(manager);
  }

  /** A revision that nobody reported on is superseded by the next one. */
  private supersede({ key, state }: Folding): void {
    if (state.desired && state.outcome === 'pending') {
      this.become({ ...key, revision: state.desired.revision, outcome: 'superseded', error: null });
    }
  }

  private become(row: OutcomeRow): void {
    const text = revisionText(row, row.revision);
    const fresh = this.revisions.get(text);
    if (fresh) Object.assign(fresh, { outcome: row.outcome, error: row.error });
    else this.outcomes.set(text, row);
  }

  private async saveRevisions(manager: EntityManager): Promise<void> {
    await manager.query(
      `insert into chain_revision
         (node, interface, hook, revision, sequence, at, actor, change, kfs, outcome, error)
       select node, interface, hook, revision, sequence, at, actor, change, kfs, outcome, nullif(error, 'null')
       from jsonb_to_recordset($1::jsonb)
         as new(node text, interface text, hook text, revision integer, sequence bigint, at text, actor text,
                change jsonb, kfs jsonb, outcome text, error jsonb)
       on conflict (node, interface, hook, revision) do update
         set sequence = excluded.sequence, at = excluded.at, actor = excluded.actor, change = excluded.change,
             kfs = excluded.kfs, outcome = excluded.outcome, error = excluded.error`,
      [jsonRows([...this.revisions.values()])],
    );
  }

  private async saveOutcomes(manager: EntityManager): Promise<void> {
    await manager.query(
      `update chain_revision as kept set outcome = new.outcome, error = nullif(new.error, 'null')
       from jsonb_to_recordset($1::jsonb)
         as new(node text, interface text, hook text, revision integer, outcome text, error jsonb)
       where (kept.node, kept.interface, kept.hook, kept.revision)
           = (new.node, new.interface, new.hook, new.revision)`,
      [jsonRows([...this.outcomes.values()])],
    );
  }
}

const textOf = (key: ChainKey): string => `${key.node} ${key.interface} ${key.hook}`;
const revisionText = (key: ChainKey, revision: number): string => `${textOf(key)} ${revision}`;
