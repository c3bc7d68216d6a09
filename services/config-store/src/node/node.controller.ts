import { configRpcSubject, type NodeView } from '@l3af/contracts';
import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, Not, type Repository } from 'typeorm';
import { QueryAnswers } from '../query/query-answers';
import { Heartbeats, type Heartbeat } from './heartbeats';
import { NodeRow } from './node.entity';

/** A node that was not heard for this long is silent: three heartbeats. */
const silentAfterMs = 15_000;
const registered = { registeredAt: Not(IsNull()) };

@Controller()
export class NodeController {
  constructor(
    private readonly answers: QueryAnswers,
    private readonly heartbeats: Heartbeats,
    @InjectRepository(NodeRow) private readonly nodes: Repository<NodeRow>,
  ) {}

  @MessagePattern(configRpcSubject('nodes.list'))
  list(request: unknown): Promise<unknown> {
    return this.answers.to('nodes.list', request, async () => {
      const rows = await this.nodes.find({ where: registered, order: { name: 'ASC' } });
      const heartbeats = await this.heartbeats.all();
      return rows.map((row) => nodeView(row, heartbeats.get(row.name)));
    });
  }

  @MessagePattern(configRpcSubject('nodes.get'))
  get(request: unknown): Promise<unknown> {
    return this.answers.to('nodes.get', request, async ({ name }) => {
      const row = await this.nodes.findOneBy({ name, ...registered });
      return row && nodeView(row, (await this.heartbeats.all()).get(name));
    });
  }
}

function nodeView(
  { name, facts, labels, registeredAt }: NodeRow,
  heartbeat: Heartbeat | undefined,
): NodeView {
  const seen = heartbeat?.lastSeenAt;
  const { kernel, architecture, interfaces, features } = facts!;
  return {
    ...{ name, kernel, architecture, interfaces, features },
    labels: { ...facts!.labels, ...labels },
    registeredAt: registeredAt!,
    lastSeenAt: seen?.toISOString() ?? null,
    state: seen && Date.now() - seen.getTime() <= silentAfterMs ? 'ready' : 'silent',
    rssBytes: heartbeat?.rssBytes ?? null,
  };
}
