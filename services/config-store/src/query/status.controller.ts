import { configRpcSubject } from '@l3af/contracts';
import { Bus, Projector } from '@l3af/event-store';
import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { QueryAnswers } from './query-answers';

@Controller()
export class StatusController {
  constructor(
    private readonly answers: QueryAnswers,
    private readonly bus: Bus,
    private readonly projector: Projector,
  ) {}

  @MessagePattern(configRpcSubject('status'))
  status(request: unknown): Promise<unknown> {
    return this.answers.to('status', request, async () => {
      const streamSequence = await this.bus.store.lastSequence();
      return { streamSequence, projections: await this.projector.status(streamSequence) };
    });
  }
}
