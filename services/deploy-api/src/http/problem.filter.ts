import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Logger } from '@l3af/telemetry';
import type { Response } from 'express';
import { correlationIdOf } from '../request-context';
import { headerOf, type ApiRequest } from './api-request';
import { problemOf } from './problem';

/** Answers every error of the REST API as problem details, and logs those that are ours. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<ApiRequest>();
    const response = host.switchToHttp().getResponse<Response>();
    const correlationId = request.correlationId ?? correlationIdOf(headerOf(request));
    const problem = problemOf(error, { path: request.originalUrl, correlationId });
    if (problem.status >= 500) {
      this.logger.error({ err: error, correlationId, path: request.originalUrl }, 'cannot answer a request');
    }
    if (response.headersSent) {
      response.end();
      return;
    }
    if (problem.status === 503) response.setHeader('retry-after', '1');
    response
      .status(problem.status)
      .setHeader('content-type', 'application/problem+json; charset=utf-8')
      .end(JSON.stringify(problem));
  }
}
