import { configRpcSubject } from '@l3af/contracts';
import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { QueryAnswers } from '../query/query-answers';
import { BuildRow } from './build.entity';

/** The newest ones; older builds are found by their id. */
const listedMax = 500;

@Controller()
export class BuildController {
  constructor(
    private readonly answers: QueryAnswers,
    @InjectRepository(BuildRow) private readonly builds: Repository<BuildRow>,
  ) {}

  @MessagePattern(configRpcSubject('builds.list'))
  list(request: unknown): Promise<unknown> {
    return this.answers.to('builds.list', request, async () => {
      const rows = await this.builds.find({ order: { sequence: 'DESC' }, take: listedMax });
      return rows.map(({ view }) => view);
    });
  }

  @MessagePattern(configRpcSubject('builds.get'))
  get(request: unknown): Promise<unknown> {
    return this.answers.to(
      'builds.get',
      request,
      async ({ id }) => (await this.builds.findOneBy({ id }))?.view ?? null,
    );
  }
}
