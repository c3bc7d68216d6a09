import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { processMetrics, prometheusText } from './prometheus';

export interface HealthOptions {
  /** 0 takes a free port. */
  port: number;
  /** Default: 127.0.0.1. */
  host?: string;
  /** True once the service can serve; a throw counts as not ready and its message is shown. */
  ready: () => boolean | Promise<boolean>;
  /** Metrics in Prometheus text format, shown after the process's own. */
  metrics?: () => string | Promise<string>;
}

export interface HealthServer extends AsyncDisposable {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves `/livez`, `/readyz` and `/metrics` on a plain HTTP server, for services without one of their own. */
export async function startHealthServer(options: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(options, request).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => send(response, 503, `${error instanceof Error ? error.message : String(error)}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host ?? '127.0.0.1', resolve);
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, close, [Symbol.asyncDispose]: close };
}

interface Answer {
  status: number;
  body: string;
}

async function answer(options: HealthOptions, request: IncomingMessage): Promise<Answer> {
  switch (request.url?.split('?')[0]) {
    case '/livez':
      return { status: 200, body: 'alive\n' };
    case '/readyz':
      return (await options.ready())
        ? { status: 200, body: 'ready\n' }
        : { status: 503, body: 'not ready\n' };
    case '/metrics':
      return { status: 200, body: prometheusText(processMetrics()) + ((await options.metrics?.()) ?? '') };
    default:
      return { status: 404, body: 'see /livez, /readyz, /metrics\n' };
  }
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(body);
}
