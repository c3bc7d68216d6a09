import {
  buckets,
  buildRequestSubject,
  cannot,
  L3afError,
  type BuildAccepted,
  type BuildSource,
  type L3afEvent,
} from '@l3af/contracts';
import { queryConfig, type StoredEnvelope } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { uuidv7 } from 'uuidv7';
import { BusConnection } from '../bus/bus-connection';
import type { RequestContext } from '../request-context';

/** What a build's result is called; default: what kf.yaml or the file name says. */
export interface BuildNaming {
  name?: string | undefined;
  version?: string | undefined;
}

/** A source whose bytes come with the request. */
export interface UploadedSource {
  kind: 'archive' | 'object';
  content: Uint8Array | AsyncIterable<Uint8Array>;
  fileName: string;
  folder?: string | undefined;
}

/** Asks builders for builds. */
@Injectable()
export class BuildHandler {
  constructor(private readonly connection: BusConnection) {}

  /** Stores the bytes, then asks for their build. */
  async upload(context: RequestContext, upload: UploadedSource, naming: BuildNaming): Promise<BuildAccepted> {
    const { kind, content, fileName, folder } = upload;
    const object = await this.connection.get().objects(buckets.sources).put(content);
    const source: BuildSource =
      kind === 'object'
        ? { kind, object, fileName }
        : { kind, object, fileName, ...(folder !== undefined && { folder }) };
    return this.request(context, source, naming);
  }

  async request(context: RequestContext, source: BuildSource, naming: BuildNaming): Promise<BuildAccepted> {
    const build = uuidv7();
    const { actor, correlationId } = context;
    const requested: L3afEvent = {
      type: 'BuildRequested',
      version: 1,
      data: {
        build,
        source,
        ...(naming.name !== undefined && { name: naming.name }),
        ...(naming.version !== undefined && { packageVersion: naming.version }),
      },
    };
    const { sequence } = await this.connection.get().store.append({
      subject: buildRequestSubject(build),
      events: [requested],
      actor,
      correlationId,
      expectedSequence: 0,
    });
    return { build, sequence, watch: watchPath(build), changed: true };
  }

  /** Cancels a build that is not over. */
  async cancel(context: RequestContext, build: string): Promise<BuildAccepted> {
    const bus = this.connection.get();
    const { actor, correlationId, reason = `cancelled by ${actor}` } = context;
    const subject = buildRequestSubject(build);
    const decided = await bus.store.decide({ subject, actor, correlationId }, async (last) => {
      if (!last) throw new L3afError('unknown-build', cannot('cancel', 'build', build, 'there is none'));
      if (isCancelled(last)) return [];
      const view = await queryConfig(bus, 'builds.get', { id: build, minSequence: last.sequence });
      if (view?.state === 'succeeded' || view?.state === 'failed') {
        throw new L3afError('conflict', cannot('cancel', 'build', build, `it has ${view.state}`), {
          hint: 'A build that is over stays as it is',
        });
      }
      return [{ type: 'BuildCancelled', version: 1, data: { build, reason } }];
    });
    return { build, sequence: decided.sequence, watch: watchPath(build), changed: decided.changed };
  }
}

const isCancelled = (stored: StoredEnvelope): boolean =>
  stored.events.some(({ type }) => type === 'BuildCancelled');

const watchPath = (build: string): string => `/v1/builds/${encodeURIComponent(build)}/watch`;
