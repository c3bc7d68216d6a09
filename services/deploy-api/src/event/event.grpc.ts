import { Controller, UseFilters } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { BusConnection } from '../bus/bus-connection';
import { readFields, eventsOf } from '../grpc/call';
import { errorMessage } from '../grpc/error-message';
import { GrpcErrorFilter } from '../grpc/grpc-error.filter';
import { unsetNulls } from '../grpc/values';
import { StatusQueries } from '../status/status.queries';
import { eventQuerySchema } from './event.controller';
import { EventQueries } from './event.queries';

/** gRPC of the event stream and the status. */
@Controller()
@UseFilters(GrpcErrorFilter)
export class EventGrpc {
  constructor(
    private readonly queries: EventQueries,
    private readonly status: StatusQueries,
    private readonly connection: BusConnection,
  ) {}

  @GrpcMethod('EventService', 'FollowEvents')
  follow(request: { fromSequence?: number; subject?: string; storedOnly?: boolean }): Observable<object> {
    return eventsOf(this.connection.stopped, (signal) => {
      const fields = unsetNulls({ from: request.fromSequence, subject: request.subject });
      const { from, subject } = readFields(fields, eventQuerySchema);
      const follow = request.storedOnly !== true;
      return this.queries.follow({ subject, fromSequence: Math.max(1, from), follow, signal });
    });
  }

  @GrpcMethod('EventService', 'GetStatus')
  async get(): Promise<object> {
    const { problems, ...view } = await this.status.get();
    return { ...unsetNulls(view), problems: problems.map(errorMessage) };
  }
}
