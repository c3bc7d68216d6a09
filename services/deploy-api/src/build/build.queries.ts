import { buckets, cannot, L3afError, type BuildView } from '@l3af/contracts';
import { queryConfig } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { BusConnection } from '../bus/bus-connection';

/** Reads builds and logs. */
@Injectable()
export class BuildQueries {
  constructor(private readonly connection: BusConnection) {}

  /** Newest first. */
  list(): Promise<BuildView[]> {
    return queryConfig(this.connection.get(), 'builds.list', {});
  }

  async get(id: string, minSequence?: number): Promise<BuildView> {
    const fresh = minSequence !== undefined && { minSequence };
    const view = await queryConfig(this.connection.get(), 'builds.get', { id, ...fresh });
    if (view) return view;
    throw new L3afError('unknown-build', cannot('show', 'build', id, 'there is none'));
  }

  /** The whole log of a build that is over. */
  async log(id: string): Promise<Uint8Array> {
    const view = await this.get(id);
    if (view.log) return this.logOf(view.log.digest);
    const state = view.state === 'queued' || view.state === 'running' ? `it is ${view.state}` : 'it has none';
    throw new L3afError('unknown-object', cannot('show', 'log of build', id, state), {
      hint: `GET /v1/builds/${id}/watch follows a build that is running`,
    });
  }

  /** A log by its digest, checked: verifier logs, build logs. */
  async logOf(digest: string): Promise<Uint8Array> {
    const bucket = this.connection.get().objects(buckets.logs);
    if (await bucket.has(digest)) return bucket.get(digest);
    throw new L3afError('unknown-object', cannot('show', 'log', digest, 'there is none'));
  }
}
