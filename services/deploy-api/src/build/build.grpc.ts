import type { Metadata } from '@grpc/grpc-js';
import { L3afError, type BuildAccepted, type BuildView } from '@l3af/contracts';
import { Controller, UseFilters } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { BusConnection } from '../bus/bus-connection';
import { EventQueries } from '../event/event.queries';
import { inCall, readFields, eventsOf } from '../grpc/call';
import { errorMessage } from '../grpc/error-message';
import { GrpcErrorFilter } from '../grpc/grpc-error.filter';
import { unsetNulls } from '../grpc/values';
import { BuildHandler } from './build.handler';
import { BuildQueries } from './build.queries';
import { archiveQuerySchema, gitBuildSchema, gzip, limited, objectQuerySchema, readObject } from './upload';

interface Naming {
  name?: string;
  version?: string;
}
interface RequestBuild extends Naming {
  git?: { url: string; ref?: string; folder?: string; credential?: string };
  archive?: { content: Uint8Array; fileName?: string; folder?: string };
}

/** gRPC of builds: parses and calls the handler. */
@Controller()
@UseFilters(GrpcErrorFilter)
export class BuildGrpc {
  constructor(
    private readonly handler: BuildHandler,
    private readonly queries: BuildQueries,
    private readonly events: EventQueries,
    private readonly connection: BusConnection,
  ) {}

  @GrpcMethod('BuildService', 'RequestBuild')
  request(request: RequestBuild, metadata: Metadata): Promise<BuildAccepted> {
    return inCall(metadata, 'gRPC RequestBuild', (context) => {
      const { name, version, git, archive } = request;
      const naming = { ...(name !== undefined && { name }), ...(version !== undefined && { version }) };
      if (archive) {
        const { content, ...place } = archive;
        const fields = readFields({ ...naming, ...place }, archiveQuerySchema);
        const source = { kind: 'archive' as const, content: limited(once(content), gzip), ...fields };
        return this.handler.upload(context, source, fields);
      }
      if (!git) throw new L3afError('invalid-request', 'Cannot accept the request: needs git or archive');
      const { url, ref, folder, credential } = git;
      const asked = {
        url,
        ...(ref !== undefined && { ref }),
        ...(folder !== undefined && { folder }),
        ...(credential !== undefined && { credential }),
      };
      readFields({ git: asked, ...naming }, gitBuildSchema);
      return this.handler.request(context, { kind: 'git', ...asked }, naming);
    });
  }

  @GrpcMethod('BuildService', 'PublishObject')
  publish(
    request: Naming & { object: Uint8Array; fileName?: string },
    metadata: Metadata,
  ): Promise<BuildAccepted> {
    return inCall(metadata, 'gRPC PublishObject', async (context) => {
      const { object, ...fields } = request;
      const { fileName, name, version } = readFields(unsetNulls(fields), objectQuerySchema);
      const content = await readObject(once(object));
      return this.handler.upload(context, { kind: 'object', content, fileName }, { name, version });
    });
  }

  @GrpcMethod('BuildService', 'CancelBuild')
  cancel({ build }: { build: string }, metadata: Metadata): Promise<BuildAccepted> {
    return inCall(metadata, 'gRPC CancelBuild', (context) => this.handler.cancel(context, build));
  }

  @GrpcMethod('BuildService', 'ListBuilds')
  async list(): Promise<object> {
    return { builds: (await this.queries.list()).map(buildMessage) };
  }

  @GrpcMethod('BuildService', 'GetBuild')
  async get({ id }: { id: string }): Promise<object> {
    return buildMessage(await this.queries.get(id));
  }

  @GrpcMethod('BuildService', 'WatchBuild')
  watch({ id }: { id: string }): Observable<object> {
    return eventsOf(this.connection.stopped, (signal) => this.events.watchBuild(id, signal));
  }

  @GrpcMethod('BuildService', 'GetLog')
  async log({ digest, build }: { digest?: string; build?: string }): Promise<object> {
    if (build) return { content: await this.queries.log(build) };
    if (digest) return { content: await this.queries.logOf(digest) };
    throw new L3afError('invalid-request', 'Cannot accept the request: needs digest or build');
  }
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(content);
}

function buildMessage({ error, ...view }: BuildView): object {
  return { ...unsetNulls(view), ...(error && { error: errorMessage(error) }) };
}
