import { cannot, chainSubject, L3afError } from '@l3af/contracts';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import { BusConnection } from '../bus/bus-connection';
import { chainOf } from '../chain/chain.handler';
import { chainKeyOf, flagSchema, readQuery, type ApiRequest } from '../http/api-request';
import { endOfStream, sendEvents } from './event-stream';
import { EventQueries } from './event.queries';

const sequence = z.coerce.number().int().nonnegative();
export const eventQuerySchema = z.object({
  follow: flagSchema.default(true).describe('false: end with the last one stored'),
  from: sequence.default(1).describe('The first sequence; Last-Event-ID takes precedence'),
  subject: z
    .string()
    .regex(/^l3af\.evt(\.[^\s.>*]+|\.\*)*(\.>)?$/, 'must be l3af.evt.… with * and > as wildcards')
    .default('l3af.evt.>'),
});
export const watchQuerySchema = z.object({
  revision: sequence.optional().describe('Default: the newest'),
  from: sequence.optional().describe('Default: where that revision was stored'),
});

/** Server-sent events: everything, one chain, one build. */
@Controller('v1')
export class EventController {
  constructor(
    private readonly queries: EventQueries,
    private readonly connection: BusConnection,
  ) {}

  @Get('events')
  async events(@Req() request: ApiRequest, @Res() response: Response): Promise<void> {
    const { follow, from, subject } = readQuery(request, eventQuerySchema);
    this.connection.get();
    const signal = endOfStream(response, this.connection.stopped);
    const fromSequence = Math.max(1, afterLast(request) ?? from);
    await sendEvents(response, this.queries.follow({ subject, fromSequence, follow, signal }), signal);
  }

  @Get('nodes/:node/chains/:interface/:hook/watch')
  async watchChain(
    @Req() request: ApiRequest,
    @Res() response: Response,
    @Param() params: Record<string, string>,
  ): Promise<void> {
    const key = chainKeyOf(params);
    const query = readQuery(request, watchQuerySchema);
    const last = await this.connection.get().store.last(chainSubject(key));
    if (!last) {
      const { node, hook } = key;
      throw new L3afError(
        'unknown-chain',
        cannot('watch', 'chain', `${node}/${key.interface}/${hook}`, 'there is none'),
      );
    }
    const revision = query.revision ?? chainOf(last).revision;
    const after = afterLast(request);
    // A browser asks again when a stream ends: 204 tells it that this one is over.
    if (after !== undefined && (await this.queries.isSettled(after - 1, revision))) {
      response.status(204).end();
      return;
    }
    const signal = endOfStream(response, this.connection.stopped);
    const fromSequence = Math.max(1, after ?? query.from ?? last.sequence);
    await sendEvents(response, this.queries.watchChain(key, { revision, fromSequence, signal }), signal);
  }

  @Get('builds/:id/watch')
  async watchBuild(@Res() response: Response, @Param('id') id: string): Promise<void> {
    this.connection.get();
    const signal = endOfStream(response, this.connection.stopped);
    await sendEvents(response, this.queries.watchBuild(id, signal), signal);
  }
}

/** The sequence after the one that the reader has seen last. */
function afterLast(request: ApiRequest): number | undefined {
  const text = request.headers['last-event-id'];
  if (text === undefined || text === '') return undefined;
  const last = z.coerce.number().int().nonnegative().safeParse(text);
  if (last.success) return last.data + 1;
  throw new L3afError('invalid-request', cannot('use', 'Last-Event-ID', String(text), 'needs a sequence'));
}
