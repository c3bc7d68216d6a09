import { cannot, configQueries, L3afError, type ConfigQueryName, type ConfigReply } from '@l3af/contracts';
import { Projector } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';

type Parsed<N extends ConfigQueryName> = z.output<(typeof configQueries)[N]['request']>;

/** How long a query waits for the sequence that its caller asks for. */
const freshnessMsMax = 5_000;

/** Validates what is asked and what is answered, and lets callers read their own writes. */
@Injectable()
export class QueryAnswers {
  constructor(private readonly projector: Projector) {}

  async to<N extends ConfigQueryName>(
    name: N,
    request: unknown,
    answer: (request: Parsed<N>) => Promise<unknown>,
  ): Promise<ConfigReply<N>> {
    const parsed = configQueries[name].request.safeParse(request ?? {});
    if (!parsed.success) {
      throw new L3afError('invalid-request', cannot('answer', 'query', name, z.prettifyError(parsed.error)));
    }
    const asked = parsed.data as Parsed<N>;
    const projection = name.split('.')[0]!;
    if (asked.minSequence !== undefined && name !== 'status') {
      await this.projector.reached(projection, asked.minSequence, freshnessMsMax);
    }
    const reply = configQueries[name].reply.safeParse(await answer(asked));
    if (reply.success) return reply.data as ConfigReply<N>;
    throw new L3afError('internal', cannot('answer', 'query', name, z.prettifyError(reply.error)));
  }
}
