import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A place between a builder and its registry where one request can be held. */
export interface HeldRequests {
  url: string;
  /** Waits until a request such as `PUT /v2/kf/manifests/1` has been answered behind it; its answer waits to be released. */
  hold(request: RegExp): Promise<() => void>;
  stop(): Promise<void>;
}

interface Hold {
  request: RegExp;
  reached: (release: () => void) => void;
}

export async function holdRequests(target: string): Promise<HeldRequests> {
  let wanted: Hold | undefined;
  const pass = async (method: string, path: string): Promise<void> => {
    if (!wanted?.request.test(`${method} ${path}`)) return;
    const { reached } = wanted;
    wanted = undefined;
    await new Promise<void>(reached);
  };
  const server = createServer((request, response) => {
    const { method = 'GET', url: path = '/', headers } = request;
    const answer = async (): Promise<void> => {
      const body = method === 'GET' || method === 'HEAD' ? undefined : await buffer(request);
      const { 'content-type': type = '', accept = '*/*' } = headers;
      const passed = { method, headers: { 'content-type': type, accept, host: headers.host ?? '' } };
      const answered = await fetch(new URL(path, target), { ...passed, ...(body && { body }) });
      const bytes = Buffer.from(await answered.arrayBuffer());
      await pass(method, path);
      response
        .writeHead(answered.status, Object.fromEntries(answered.headers))
        .end(method === 'HEAD' ? undefined : bytes);
    };
    answer().catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: (request) => new Promise((reached) => (wanted = { request, reached })),
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
