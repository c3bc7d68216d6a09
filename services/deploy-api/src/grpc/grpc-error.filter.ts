import { Metadata, status } from '@grpc/grpc-js';
import { describeError, toWireError } from '@l3af/contracts';
import { createLogger } from '@l3af/telemetry';
import { Catch, type ExceptionFilter } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';
import { houseError } from '../http/problem';

const logger = createLogger('deploy-api');

/** Answers every error of the gRPC API: status by the catalogue, the stable code and the whole error in the trailers. */
@Catch()
export class GrpcErrorFilter implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    const wire = toWireError(houseError(error));
    const internal = wire.code === 'internal';
    if (internal) logger.error({ err: error }, 'cannot answer a gRPC call');
    const told = internal
      ? { code: wire.code, message: 'Cannot answer the call: something went wrong inside' }
      : wire;
    const metadata = new Metadata();
    metadata.set('l3af-code', told.code);
    metadata.set('l3af-error-bin', Buffer.from(JSON.stringify(told)));
    const code = status[describeError(wire.code).grpc as keyof typeof status];
    return throwError(() => ({ code, details: told.message, metadata }));
  }
}
