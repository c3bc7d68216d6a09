import type { StatusView } from '@l3af/contracts';
import { Controller, Get } from '@nestjs/common';
import { StatusQueries } from './status.queries';

/** REST of the status. */
@Controller('v1/status')
export class StatusController {
  constructor(private readonly queries: StatusQueries) {}

  @Get()
  get(): Promise<StatusView> {
    return this.queries.get();
  }
}
