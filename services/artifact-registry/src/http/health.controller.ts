import { Controller, Get, HttpCode, Res } from '@nestjs/common';
import type { Response } from 'express';
import { RegistryAccess } from '../registry-access';

/** `/livez`: the process answers. `/readyz`: it can serve, now. */
@Controller()
export class HealthController {
  constructor(private readonly access: RegistryAccess) {}

  @Get('livez')
  @HttpCode(200)
  live(): string {
    return 'alive\n';
  }

  @Get('readyz')
  async ready(@Res() response: Response): Promise<void> {
    try {
      await this.access.get().state.check();
      response.status(200).type('text/plain').send('ready\n');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      response.status(503).type('text/plain').send(`${why}\n`);
    }
  }
}
