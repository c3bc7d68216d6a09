import { nodeRpc, type CountersReset } from '@l3af/contracts';
import { Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import { BusConnection } from '../bus/bus-connection';
import { endOfStream, sendEvents, type StreamEvent } from '../event/event-stream';
import { chainKeyOf, contextOf, readBody, type ApiRequest } from '../http/api-request';
import { LiveQueries, type LiveEvent } from './live.queries';

const { match, count, seconds } = nodeRpc['explain-start'].request.shape;
export const explainLiveBodySchema = z.strictObject({
  match: match.describe('Which packets, such as `tcp and dst port 443`'),
  count: count.describe('How many'),
  seconds: seconds.describe('How long to wait for them'),
});

export const resetCountersBodySchema = z.strictObject({
  kf: z.string().min(1).optional().describe("The KF's name in the chain; default: all of them"),
});

/** REST of what goes on in a live chain. */
@Controller('v1/nodes/:node/chains/:interface/:hook')
export class LiveController {
  constructor(
    private readonly queries: LiveQueries,
    private readonly connection: BusConnection,
  ) {}

  @Post('explain/live')
  @HttpCode(200)
  async explain(
    @Req() request: ApiRequest,
    @Res() response: Response,
    @Param() params: Record<string, string>,
  ): Promise<void> {
    const body = readBody(request, explainLiveBodySchema);
    const signal = endOfStream(response, this.connection.stopped);
    const events = await this.queries.explain(chainKeyOf(params), body, signal);
    await sendEvents(response, asStream(events), signal);
  }

  @Post('counters/reset')
  @HttpCode(200)
  reset(@Req() request: ApiRequest, @Param() params: Record<string, string>): Promise<CountersReset> {
    const { kf } = readBody(request, resetCountersBodySchema);
    return this.queries.resetCounters(chainKeyOf(params), kf, contextOf(request));
  }
}

async function* asStream(events: AsyncIterable<LiveEvent>): AsyncGenerator<StreamEvent> {
  for await (const event of events) {
    yield 'packet' in event ? { event: 'packet', data: event.packet } : { event: 'end', data: event.end };
  }
}
