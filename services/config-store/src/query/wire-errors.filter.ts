import { L3afError, toWireError } from '@l3af/contracts';
import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';
import { QueryFailedError, TypeORMError } from 'typeorm';
import type { Logger } from '@l3af/telemetry';

/** Errors travel in their wire form. The database's own become `store-unavailable`: asking again may help. */
@Catch()
export class WireErrorsFilter implements RpcExceptionFilter<unknown> {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown): Observable<never> {
    const told = this.told(error);
    if (told.code === 'internal') this.logger.error({ err: error }, 'A query failed');
    return throwError(() => toWireError(told));
  }

  private told(error: unknown): L3afError {
    if (error instanceof L3afError) return error;
    const message = error instanceof Error ? error.message : String(error);
    const database = isConnectionTrouble(error);
    const code = database ? 'store-unavailable' : 'internal';
    return new L3afError(code, `Cannot answer query: ${message || 'the database is away'}`, { cause: error });
  }
}

/** Of pg, its pool and TypeORM: what is said while Postgres is away or coming back. */
function isConnectionTrouble(error: unknown): boolean {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  const code = (cause as { code?: unknown } | undefined)?.code;
  if (typeof code === 'string') return /^(E[A-Z]+|08|53|57)/.test(code);
  return (
    error instanceof TypeORMError || /connection|timeout|terminat/i.test(String((cause as Error)?.message))
  );
}
