import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** What to answer: JSON, text, an event stream, or a problem with its status. */
export type Answer =
  | { json: unknown; status?: number }
  | { text: string; status?: number }
  | { events: { id?: number; event?: string; data: unknown }[]; open?: boolean };

export interface FixedApi extends AsyncDisposable {
  url: string;
  seen: SeenRequest[];
}

/** A server that gives fixed answers by `METHOD path`; a list of answers is given one after the other, the last for ever. */
export async function startFixedApi(answers: Record<string, Answer | Answer[]>): Promise<FixedApi> {
  const seen: SeenRequest[] = [];
  const given = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const name = `${request.method!} ${request.url!}`;
      seen.push({
        method: request.method!,
        path: request.url!,
        headers: request.headers,
        body: Buffer.concat(chunks),
      });
      const found = answers[name];
      const list = Array.isArray(found) ? found : found && [found];
      const turn = given.get(name) ?? 0;
      given.set(name, turn + 1);
      reply(response, list?.[Math.min(turn, list.length - 1)]);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function reply(response: ServerResponse, answer: Answer | undefined): void {
  if (!answer) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('no such page');
  } else if ('events' in answer) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const { id, event, data } of answer.events) {
      if (id !== undefined) response.write(`id: ${id}\n`);
      if (event !== undefined) response.write(`event: ${event}\n`);
      response.write(`data: ${JSON.stringify(data)}\n\n`);
    }
    if (!answer.open) response.end();
  } else if ('text' in answer) {
    response.writeHead(answer.status ?? 200, { 'content-type': 'text/plain' }).end(answer.text);
  } else {
    response
      .writeHead(answer.status ?? 200, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer.json));
  }
}
