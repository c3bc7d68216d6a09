import { randomUUID } from 'node:crypto';
import {
  cannot,
  configQueries,
  configRpcSubject,
  fromWireError,
  L3afError,
  nodeRpc,
  nodeRpcSubject,
  rpcReplySchema,
  toWireError,
  wireErrorSchema,
  type ConfigQueryName,
  type ConfigReply,
  type ConfigRequest,
  type ErrorCode,
  type NodeReply,
  type NodeRequest,
  type NodeVerb,
  type RpcReply,
} from '@l3af/contracts';
import type { Msg } from 'nats';
import { z } from 'zod';
import type { Bus } from './bus';
import { isTransient } from './bus-errors';
import type { Subscription } from './live';
import { inTraceOf, traceHeaders } from './trace';

export interface RpcOptions {
  /** How long to wait for the answer; default 10 s. */
  timeoutMs?: number;
}

/** Nest's packets: the answer of a microservice over NATS. */
const nestReplySchema = z.object({ err: z.unknown().optional(), response: z.unknown().optional() });

/** Asks config-store. `store-unavailable` when it does not answer; its refusals arrive as they are. */
export async function queryConfig<N extends ConfigQueryName>(
  bus: Bus,
  name: N,
  request: ConfigRequest<N> & RpcOptions,
): Promise<ConfigReply<N>> {
  const { timeoutMs, ...data } = request;
  const subject = configRpcSubject(name);
  const asked = { code: 'store-unavailable', noun: 'query', value: name, timeoutMs } as const;
  const message = await ask(bus, { ...asked, subject, body: { pattern: subject, data, id: randomUUID() } });
  const packet = nestReplySchema.parse(message.json());
  if (packet.err !== undefined && packet.err !== null) throw errorOf(packet.err, asked);
  return configQueries[name].reply.parse(packet.response ?? null) as ConfigReply<N>;
}

/** Asks one node's executor. `node-silent` when it does not answer; its refusals arrive as they are. */
// eslint-disable-next-line max-params -- reads as a sentence at every call: ask this node this verb with this request
export async function requestNode<V extends NodeVerb>(
  bus: Bus,
  node: string,
  verb: V,
  request: NodeRequest<V> & RpcOptions,
): Promise<NodeReply<V>> {
  const { timeoutMs, ...body } = request;
  const asked = { code: 'node-silent', noun: 'node', value: node, timeoutMs } as const;
  const message = await ask(bus, { ...asked, subject: nodeRpcSubject(node, verb), body });
  const reply = rpcReplySchema.parse(message.json());
  if (!reply.ok) throw fromWireError(reply.error);
  return nodeRpc[verb].reply.parse(reply.result) as NodeReply<V>;
}

export type NodeHandlers = {
  [V in NodeVerb]?: (
    request: z.output<(typeof nodeRpc)[V]['request']>,
  ) => NodeReply<V> | Promise<NodeReply<V>>;
};

/**
 * Answers what is asked of a node. Requests are validated before a handler sees them. Once it has resolved, NATS
 * knows of it: whoever asks from then on is answered.
 */
export async function serveNode(bus: Bus, node: string, handlers: NodeHandlers): Promise<Subscription> {
  const subscriptions = (Object.keys(handlers) as NodeVerb[]).map((verb) => {
    const handler = handlers[verb] as (request: unknown) => unknown;
    return bus.nc.subscribe(nodeRpcSubject(node, verb), {
      callback: (error, message) => {
        if (!error) void inTraceOf(message.headers, () => answer(bus, message, { verb, handler }));
      },
    });
  });
  const stop = async (): Promise<void> => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    return Promise.resolve();
  };
  // A connection that breaks meanwhile makes them again by itself.
  await bus.nc.flush().catch(() => undefined);
  return { stop, [Symbol.asyncDispose]: stop };
}

interface Served {
  verb: NodeVerb;
  handler: (request: unknown) => unknown;
}

async function answer(bus: Bus, message: Msg, { verb, handler }: Served): Promise<void> {
  let body = JSON.stringify(await replyTo(message, { verb, handler }));
  const most = bus.nc.info?.max_payload ?? 1024 * 1024;
  if (Buffer.byteLength(body) > most) {
    const state = `the answer is larger than ${most} bytes, needs a smaller limit`;
    const error = new L3afError('payload-too-large', cannot('answer', 'request', verb, state));
    body = JSON.stringify({ ok: false, error: toWireError(error) });
  }
  if (!bus.nc.isClosed()) message.respond(body);
}

async function replyTo(message: Msg, { verb, handler }: Served): Promise<RpcReply> {
  try {
    const request = nodeRpc[verb].request.safeParse(message.json());
    if (!request.success) {
      throw new L3afError(
        'invalid-request',
        cannot('answer', 'request', verb, z.prettifyError(request.error)),
      );
    }
    return { ok: true, result: await handler(request.data) };
  } catch (error) {
    return { ok: false, error: toWireError(error) };
  }
}

interface Asked {
  timeoutMs?: number | undefined;
  code: Extract<ErrorCode, 'store-unavailable' | 'node-silent'>;
  noun: string;
  value: string;
}

async function ask(bus: Bus, asked: Asked & { subject: string; body: unknown }): Promise<Msg> {
  const timeout = asked.timeoutMs ?? 10_000;
  try {
    await bus.link.connected({ deadline: Date.now() + Math.min(timeout, 5_000) });
    return await bus.nc.request(asked.subject, JSON.stringify(asked.body), {
      timeout,
      headers: traceHeaders(),
    });
  } catch (error) {
    if (error instanceof L3afError || !isTransient(error)) throw error;
    throw new L3afError(asked.code, cannot('ask', asked.noun, asked.value, 'it does not answer'), {
      cause: error,
    });
  }
}

function errorOf(error: unknown, asked: Asked): L3afError {
  const wire = wireErrorSchema.safeParse(error);
  if (wire.success) return fromWireError(wire.data);
  const state = typeof error === 'string' ? error : JSON.stringify(error);
  return new L3afError('internal', cannot('ask', asked.noun, asked.value, state));
}
