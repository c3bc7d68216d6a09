import { Controller, Get, Res } from '@nestjs/common';
import type { Response } from 'express';
import { BusConnection } from '../bus/bus-connection';

/** For whoever starts and watches the process. */
@Controller()
export class HealthController {
  constructor(private readonly connection: BusConnection) {}

  @Get('livez')
  live(): { status: string } {
    return { status: 'alive' };
  }

  /** 503 with the reasons while NATS or config-store is away. */
  @Get('readyz')
  async ready(@Res({ passthrough: true }) response: Response): Promise<object> {
    const problems = await this.connection.problems();
    if (problems.length === 0) return { status: 'ready' };
    response.status(503);
    return { status: 'not ready', problems };
  }
}
