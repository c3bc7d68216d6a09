import { configRpcSubject, type ChainView } from '@l3af/contracts';
import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { QueryAnswers } from '../query/query-answers';
import { ChainRevisionRow, ChainRow } from './chain.entity';
import { chainView } from './chain.view';

const byKey = { node: 'ASC', interface: 'ASC', hook: 'ASC' } as const;

@Controller()
export class ChainController {
  constructor(
    private readonly answers: QueryAnswers,
    @InjectRepository(ChainRow) private readonly chains: Repository<ChainRow>,
    @InjectRepository(ChainRevisionRow) private readonly revisions: Repository<ChainRevisionRow>,
  ) {}

  @MessagePattern(configRpcSubject('chains.list'))
  list(request: unknown): Promise<ChainView[]> {
    return this.answers.to('chains.list', request, async ({ node, deleted }) => {
      const where = { ...(node !== undefined && { node }), ...(!deleted && { deleted: false }) };
      return (await this.chains.find({ where, order: byKey })).map(viewOf);
    });
  }

  @MessagePattern(configRpcSubject('chains.get'))
  get(request: unknown): Promise<ChainView | null> {
    return this.answers.to('chains.get', request, async ({ minSequence: _, ...key }) => {
      const row = await this.chains.findOneBy(key);
      return row && viewOf(row);
    });
  }

  @MessagePattern(configRpcSubject('chains.keys'))
  keys(request: unknown): Promise<unknown> {
    return this.answers.to('chains.keys', request, async ({ node }) => {
      const rows = await this.chains.find({
        select: { node: true, interface: true, hook: true },
        where: { node },
        order: byKey,
      });
      return rows.map((row) => ({ node: row.node, interface: row.interface, hook: row.hook }));
    });
  }

  @MessagePattern(configRpcSubject('chains.history'))
  history(request: unknown): Promise<unknown> {
    return this.answers.to('chains.history', request, async ({ minSequence: _, ...key }) => {
      const rows = await this.revisions.find({ where: key, order: { revision: 'ASC' } });
      return rows.map(({ sequence, at, actor, revision, change, kfs, outcome, error }) => ({
        ...{ sequence, at, actor, revision, change, kfs, outcome },
        ...(error && { error }),
      }));
    });
  }
}

function viewOf({ node, interface: name, hook, state }: ChainRow): ChainView {
  return chainView({ node, interface: name, hook }, state);
}
