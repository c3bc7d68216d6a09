import type { Metadata } from '@grpc/grpc-js';
import {
  attachProblem,
  cannot,
  chainAttachSchema,
  chainSubject,
  kfDocumentSchema,
  L3afError,
  type Accepted,
  type ChainAttach,
  type ChainView,
  type DesiredKf,
  type KfDocument,
} from '@l3af/contracts';
import { Controller, UseFilters } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { BusConnection } from '../bus/bus-connection';
import { EventQueries } from '../event/event.queries';
import { inCall, keyOf, readFields, eventsOf, type KeyMessage } from '../grpc/call';
import { errorMessage } from '../grpc/error-message';
import { GrpcErrorFilter } from '../grpc/grpc-error.filter';
import { fromFields, toFields, toValue, unsetNulls, type ProtoValue } from '../grpc/values';
import { adjustBodySchema, explainBodySchema, mapQuerySchema, rollbackBodySchema } from './chain.controller';
import { ChainHandler, chainOf, type ChainRequest } from './chain.handler';
import { ChainQueries } from './chain.queries';

interface KfMessage {
  proceedOn?: { verdicts?: string[] };
  config?: Record<string, ProtoValue>;
  [field: string]: unknown;
}
interface ChangeMessage {
  key?: KeyMessage;
  options?: {
    ifRevision?: number;
    allowMissingInterface?: boolean;
    dryRun?: boolean;
    retry?: boolean;
  } | null;
}
type ApplyMessage = ChangeMessage & { kfs?: KfMessage[]; attach?: Record<string, ProtoValue> };
type Instance = ChangeMessage & { instance: string };

/** gRPC of chains: parses and calls the handler. */
@Controller()
@UseFilters(GrpcErrorFilter)
export class ChainGrpc {
  constructor(
    private readonly handler: ChainHandler,
    private readonly queries: ChainQueries,
    private readonly events: EventQueries,
    private readonly connection: BusConnection,
  ) {}

  @GrpcMethod('ChainService', 'ListChains')
  async list({ node, deleted }: { node: string; deleted: boolean }): Promise<object> {
    return { chains: (await this.queries.list(node, { deleted })).map(chainMessage) };
  }

  @GrpcMethod('ChainService', 'GetChain')
  async get({ key }: { key?: KeyMessage }): Promise<object> {
    return chainMessage(await this.queries.get(keyOf(key)));
  }

  @GrpcMethod('ChainService', 'GetChainHistory')
  async history({ key }: { key?: KeyMessage }): Promise<object> {
    const entries = await this.queries.history(keyOf(key));
    return {
      entries: entries.map(({ kfs, error, ...entry }) => ({
        ...entry,
        kfs: kfs.map(kfMessage),
        ...(error && { error: errorMessage(error) }),
      })),
    };
  }

  @GrpcMethod('ChainService', 'ApplyChain')
  apply(request: ApplyMessage, metadata: Metadata): Promise<Accepted> {
    return this.change(request, metadata, () => {
      const kfs = (request.kfs ?? []).map(kfOf);
      return { type: 'apply', kfs, attach: attachOf(request) };
    });
  }

  @GrpcMethod('ChainService', 'InsertKf')
  insert(request: ChangeMessage & { kf?: KfMessage; at?: number }, metadata: Metadata): Promise<Accepted> {
    return this.change(request, metadata, () => ({
      type: 'insert',
      kf: kfOf(request.kf ?? {}),
      at: request.at,
    }));
  }

  @GrpcMethod('ChainService', 'RemoveKf')
  remove(request: Instance, metadata: Metadata): Promise<Accepted> {
    return this.change(request, metadata, () => ({ type: 'remove', instance: request.instance }));
  }

  @GrpcMethod('ChainService', 'MoveKf')
  move(request: Instance & { to: number }, metadata: Metadata): Promise<Accepted> {
    const { instance, to } = request;
    return this.change(request, metadata, () => ({ type: 'move', instance, to }));
  }

  @GrpcMethod('ChainService', 'AdjustKf')
  adjust(
    request: Instance & { enabled?: boolean; config?: Record<string, ProtoValue> },
    metadata: Metadata,
  ): Promise<Accepted> {
    return this.change(request, metadata, () => {
      const config = fromFields(request.config);
      const { enabled } = request;
      const fields = {
        ...(enabled !== undefined && { enabled }),
        ...(Object.keys(config).length > 0 && { config }),
      };
      return { type: 'adjust', instance: request.instance, ...readFields(fields, adjustBodySchema) };
    });
  }

  @GrpcMethod('ChainService', 'ClearChain')
  clear(request: ChangeMessage, metadata: Metadata): Promise<Accepted> {
    return this.change(request, metadata, () => ({ type: 'clear' }));
  }

  @GrpcMethod('ChainService', 'RollBackChain')
  rollBack(request: ChangeMessage & { revision: number }, metadata: Metadata): Promise<Accepted> {
    const { revision } = request;
    return this.change(request, metadata, () => ({
      type: 'rollback',
      ...readFields({ revision }, rollbackBodySchema),
    }));
  }

  @GrpcMethod('ChainService', 'DeleteChain')
  delete(request: ChangeMessage, metadata: Metadata): Promise<Accepted> {
    return this.change(request, metadata, () => ({ type: 'delete' }));
  }

  @GrpcMethod('ChainService', 'WatchChain')
  watch(request: { key?: KeyMessage; revision?: number; fromSequence?: number }): Observable<object> {
    return eventsOf(this.connection.stopped, async (signal) => {
      const key = keyOf(request.key);
      const last = await this.connection.get().store.last(chainSubject(key));
      const revision = request.revision ?? chainOf(last).revision;
      const fromSequence = Math.max(1, request.fromSequence ?? last?.sequence ?? 1);
      return this.events.watchChain(key, { revision, fromSequence, signal });
    });
  }

  @GrpcMethod('ChainService', 'DumpMap')
  async map(request: { key?: KeyMessage; instance: string; map: string; limit?: number }): Promise<object> {
    const { limit } = readFields({ limit: request.limit }, mapQuerySchema);
    const dump = await this.queries.map(keyOf(request.key), {
      kf: request.instance,
      map: request.map,
      limit,
    });
    return {
      ...dump,
      entries: dump.entries.map(({ key, value }) => ({ key: toValue(key), value: toValue(value) })),
    };
  }

  @GrpcMethod('ChainService', 'ExplainPacket')
  async explain(request: { key?: KeyMessage; packet?: Uint8Array }): Promise<object> {
    const fields = { packet: Buffer.from(request.packet ?? []).toString('hex') };
    const { packet } = readFields(fields, explainBodySchema);
    const found = await this.queries.explain(keyOf(request.key), packet);
    return { ...found, packet: Buffer.from(found.packet, 'hex') };
  }

  private change(message: ChangeMessage, metadata: Metadata, asked: () => ChainRequest): Promise<Accepted> {
    return inCall(metadata, 'gRPC change of chain', (context) => {
      const { ifRevision, ...options } = message.options ?? {};
      const request = { ...options, key: keyOf(message.key), context, ifMatch: ifRevision };
      return this.handler.change(request, asked());
    });
  }
}

function kfOf(message: KfMessage): KfDocument {
  const { name, package: reference, program, enabled, state, proceedOn, config } = message;
  const fields = { name, package: reference, program, enabled, state };
  const set = Object.entries(fields).filter(([, value]) => value !== undefined);
  return readFields(
    {
      ...Object.fromEntries(set),
      ...(proceedOn && { proceedOn: proceedOn.verdicts ?? [] }),
      config: fromFields(config),
    },
    kfDocumentSchema,
  );
}

function attachOf({ key, attach }: ApplyMessage): ChainAttach | undefined {
  const fields = fromFields(attach);
  if (Object.keys(fields).length === 0) return undefined;
  const parsed = readFields(fields, chainAttachSchema);
  const problem = attachProblem(parsed, keyOf(key).hook);
  if (problem === undefined) return parsed;
  const { field, message } = problem;
  throw new L3afError('invalid-document', cannot('take', 'field', `attach.${field}`, `it ${message}`));
}

const kfMessage = (kf: DesiredKf): object => ({ ...kf, config: toFields(kf.config) });

function chainMessage({ desired, reported, ...key }: ChainView): object {
  return {
    ...key,
    ...(desired && {
      desired: { ...desired, kfs: desired.kfs.map(kfMessage), attach: toFields(desired.attach ?? {}) },
    }),
    ...(reported && { reported: reportedMessage(reported) }),
  };
}

function reportedMessage({ error, ...reported }: NonNullable<ChainView['reported']>): object {
  return { ...unsetNulls(reported), ...(error && { error: errorMessage(error) }) };
}
