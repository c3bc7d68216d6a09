import { Bus, Projector } from '@l3af/event-store';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Starts projecting with the application and drains with it. */
@Injectable()
export class Lifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly bus: Bus,
    private readonly projector: Projector,
    private readonly dataSource: DataSource,
  ) {}

  onApplicationBootstrap(): void {
    this.projector.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.projector.stop();
    await this.bus.close();
  }

  /** True while queries can be answered: NATS and Postgres are there, and the projections have caught up once. */
  async ready(): Promise<boolean> {
    if (!this.bus.status().connected || !this.projector.ready) return false;
    await this.dataSource.query('select 1');
    return true;
  }
}
