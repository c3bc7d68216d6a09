import type { Metadata } from '@grpc/grpc-js';
import { Controller, UseFilters } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { BusConnection } from '../bus/bus-connection';
import { inCall, keyOf, readFields, streamOf, type KeyMessage } from '../grpc/call';
import { GrpcErrorFilter } from '../grpc/grpc-error.filter';
import { unsetNulls } from '../grpc/values';
import { explainLiveBodySchema, resetCountersBodySchema } from './live.controller';
import { LiveQueries, type LiveEvent } from './live.queries';

interface ExplainLiveMessage {
  key?: KeyMessage;
  match?: string;
  count?: number;
  seconds?: number;
}

/** gRPC of what goes on in a live chain. */
@Controller()
@UseFilters(GrpcErrorFilter)
export class LiveGrpc {
  constructor(
    private readonly queries: LiveQueries,
    private readonly connection: BusConnection,
  ) {}

  @GrpcMethod('ChainService', 'ExplainLive')
  explain({ key, match, count, seconds }: ExplainLiveMessage): Observable<object> {
    const open = (signal: AbortSignal) =>
      this.queries.explain(
        keyOf(key),
        readFields(unsetNulls({ match, count, seconds }), explainLiveBodySchema),
        signal,
      );
    return streamOf(this.connection.stopped, open, liveMessage);
  }

  @GrpcMethod('ChainService', 'ResetCounters')
  reset(request: { key?: KeyMessage; instance?: string }, metadata: Metadata): Promise<object> {
    return inCall(metadata, 'gRPC reset of counters', (context) => {
      const { kf } = readFields(unsetNulls({ kf: request.instance }), resetCountersBodySchema);
      return this.queries.resetCounters(keyOf(request.key), kf, context);
    });
  }
}

function liveMessage(event: LiveEvent): object {
  if ('end' in event) return event;
  const { packet, arrived, ...rest } = event.packet;
  return {
    packet: { ...rest, arrived: Buffer.from(arrived, 'hex'), packet: Buffer.from(packet, 'hex') },
  };
}
