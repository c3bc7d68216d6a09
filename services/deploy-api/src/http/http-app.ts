import { withSpan, traceparentHeader, type Logger } from '@l3af/telemetry';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { metrics } from '@opentelemetry/api';
import type { NextFunction, Response } from 'express';
import { contextHeaders, correlationIdOf } from '../request-context';
import { headerOf, type ApiRequest } from './api-request';
import { ProblemFilter } from './problem.filter';

/** The largest document: a chain event must stay below what NATS takes. */
export const bodyBytesMax = 512 * 1024;

const textTypes = [
  'application/json',
  'application/*+json',
  'application/yaml',
  'application/x-yaml',
  'application/*+yaml',
  'text/yaml',
  'text/x-yaml',
  'text/plain',
];

/** Body limits, correlation ids, traces, request log and problem details for every route. */
export function prepareHttp(app: NestExpressApplication, logger: Logger): void {
  app.disable('x-powered-by');
  app.set('etag', false);
  app.use(trackRequest(logger));
  app.useBodyParser('text', { type: textTypes, limit: bodyBytesMax });
  app.useGlobalFilters(new ProblemFilter(logger));
}

function trackRequest(logger: Logger) {
  const durations = metrics.getMeter('l3af').createHistogram('l3af_http_request_duration_seconds', {
    description: 'Time to answer a request of the REST API',
    unit: 's',
  });
  return (request: ApiRequest, response: Response, next: NextFunction): void => {
    const header = headerOf(request);
    const correlationId = correlationIdOf(header);
    request.correlationId = correlationId;
    response.setHeader(contextHeaders.correlationId, correlationId);
    const started = performance.now();
    const { method, path } = request;
    const answered = new Promise<void>((resolve) => response.once('close', resolve));
    void withSpan({ name: `${method} ${path}`, traceparent: header(traceparentHeader) }, async (span) => {
      next();
      await answered;
      const ms = Math.round(performance.now() - started);
      const status = response.statusCode;
      const route = (request.route as { path?: string } | undefined)?.path ?? 'none';
      span.setAttributes({ 'http.request.method': method, 'http.response.status_code': status });
      durations.record(ms / 1000, { method, route, status: String(status) });
      const level = method === 'GET' ? 'debug' : 'info';
      logger[level](
        { method, path, status, ms, correlationId, actor: header(contextHeaders.actor) },
        'answered',
      );
    });
  };
}
