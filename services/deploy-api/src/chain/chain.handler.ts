import {
  chainKeyText,
  chainSubject,
  L3afError,
  type Accepted,
  type ChainAttach,
  type ChainChange,
  type ChainEvent,
  type ChainKey,
  type ConfigValue,
  type KfDocument,
} from '@l3af/contracts';
import type { Bus, Decided, StoredEnvelope } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { BusConnection } from '../bus/bus-connection';
import { PackageSchemas } from '../package/package-schemas';
import { Statements } from '../package/statements';
import type { RequestContext } from '../request-context';
import { decide, evolve, findKf, initialChain, type Chain, type ChainCommand } from './chain';
import { LookUp } from './look-up';
import { mergeConfig } from './resolve';

/** Everything about a change but the change itself. */
export interface ChangeRequest {
  key: ChainKey;
  context: RequestContext;
  /** The revision that the caller has seen; `any`: the chain must exist. Another one is a conflict. */
  ifMatch?: number | 'any' | undefined;
  /** Accept a chain for an interface that the node does not have yet. */
  allowMissingInterface?: boolean | undefined;
  /** Decide without storing. */
  dryRun?: boolean | undefined;
  /** A new revision even when nothing changes. */
  retry?: boolean | undefined;
}

/** A change as a caller asks for it; the names in it are looked up when it is decided. */
export type ChainRequest =
  | { type: 'apply'; kfs: KfDocument[]; attach?: ChainAttach | undefined }
  | { type: 'insert'; kf: KfDocument; at?: number | undefined }
  | {
      type: 'adjust';
      instance: string;
      enabled?: boolean | undefined;
      config?: Record<string, ConfigValue> | undefined;
    }
  | { type: 'rollback'; revision: number }
  | Extract<ChainCommand, { type: 'remove' | 'move' | 'clear' | 'delete' }>;

interface Situation {
  request: ChangeRequest;
  chain: Chain;
  lookUp: LookUp;
}

/** Looks up, decides, appends: the one way to change a chain, for REST and gRPC. */
@Injectable()
export class ChainHandler {
  constructor(
    private readonly connection: BusConnection,
    private readonly schemas: PackageSchemas,
    private readonly statements: Statements,
  ) {}

  /** Stores one change of one chain. Nothing is stored when the chain is as asked already. */
  async change(request: ChangeRequest, asked: ChainRequest): Promise<Accepted> {
    const bus = this.connection.get();
    const { key, context } = request;
    const { schemas, statements } = this;
    const lookUp = new LookUp(bus, { schemas, statements }, key);
    let decided: { revision: number; change?: ChainChange } = { revision: 0 };
    const next = async (last: StoredEnvelope | undefined): Promise<ChainEvent[]> => {
      const chain = chainOf(last);
      checkRevision(request, chain);
      const command = await commandOf(asked, { request, chain, lookUp });
      const events = decide(command, chain, { key, reason: context.reason, retry: request.retry });
      const [event] = events;
      decided = event
        ? { revision: event.data.revision, change: event.data.change }
        : { revision: chain.revision };
      return events;
    };
    const { actor, correlationId } = context;
    const append = { subject: chainSubject(key), actor, correlationId };
    const { sequence, changed } = await store(bus, append, { next, request, asked });
    const watch = watchPath(key, { revision: decided.revision, sequence });
    const warnings = [...lookUp.warnings];
    return {
      ...{ ...decided, sequence, changed, watch },
      ...(request.dryRun && { dryRun: true }),
      ...(warnings.length > 0 && { warnings }),
    };
  }
}

/** The chain that the last decision of its subject tells. */
export function chainOf(last: StoredEnvelope | undefined): Chain {
  return (last?.events ?? []).reduce(evolve, initialChain);
}

/** Where a revision can be followed until its node has reported on it. */
export function watchPath(
  key: ChainKey,
  { revision, sequence }: { revision: number; sequence: number },
): string {
  const path = ['nodes', key.node, 'chains', key.interface, key.hook, 'watch']
    .map(encodeURIComponent)
    .join('/');
  return `/v1/${path}?revision=${revision}&from=${sequence}`;
}

type Next = (last: StoredEnvelope | undefined) => Promise<ChainEvent[]>;
type Append = { subject: string; actor: string; correlationId: string };

interface Storing {
  next: Next;
  request: ChangeRequest;
  asked: ChainRequest;
}

async function store(bus: Bus, append: Append, { next, request, asked }: Storing): Promise<Decided> {
  if (request.dryRun) {
    const last = await bus.store.last(append.subject);
    const events = await next(last);
    return { sequence: last?.sequence ?? 0, events, changed: events.length > 0 };
  }
  // A whole document, or revision, was meant for one chain: after a race its author must look again.
  const whole = asked.type === 'apply' || asked.type === 'rollback';
  return whole ? decideOnce(bus, append, next) : bus.store.decide(append, next);
}

async function decideOnce(bus: Bus, append: Append, next: Next): Promise<Decided> {
  const last = await bus.store.last(append.subject);
  const events = await next(last);
  const expectedSequence = last?.sequence ?? 0;
  if (events.length === 0) return { sequence: expectedSequence, events, changed: false };
  const { sequence } = await bus.store.append({ ...append, events, expectedSequence });
  return { sequence, events, changed: true };
}

function checkRevision({ ifMatch, key }: ChangeRequest, chain: Chain): void {
  if (ifMatch === undefined || ifMatch === chain.revision) return;
  if (ifMatch === 'any' && chain.state === 'live') return;
  const state = `it is at revision ${chain.revision}, the change was meant for ${ifMatch}`;
  throw new L3afError('conflict', `Cannot change chain "${chainKeyText(key)}": ${state}`, {
    details: { revision: chain.revision, ifMatch },
  });
}

async function commandOf(asked: ChainRequest, situation: Situation): Promise<ChainCommand> {
  const { request, chain, lookUp } = situation;
  const { key } = request;
  const adds = asked.type === 'apply' || asked.type === 'insert' || asked.type === 'rollback';
  // An interface that has gone must not keep anyone from changing the chain that it had.
  if (chain.state !== 'live') {
    await lookUp.requireTarget(key, { interface: adds && request.allowMissingInterface !== true });
  }
  switch (asked.type) {
    case 'apply': {
      const running = new Set(chain.kfs.map((kf) => kf.digest));
      const kfs = asked.kfs.map((document) => lookUp.kf(document, running));
      return { type: 'apply', kfs: await Promise.all(kfs), attach: asked.attach };
    }
    case 'insert':
      return {
        type: 'insert',
        kf: await lookUp.kf(asked.kf),
        at: asked.at,
      };
    case 'adjust':
      return adjustment(asked, situation);
    case 'rollback':
      return rollback(asked, situation);
    default:
      return asked;
  }
}

async function rollback(
  { revision }: Extract<ChainRequest, { type: 'rollback' }>,
  { request, chain, lookUp }: Situation,
): Promise<ChainCommand> {
  const { kfs, attach } = await lookUp.chainAt(request.key, revision);
  const running = new Set(chain.kfs.map((kf) => kf.digest));
  await Promise.all(kfs.map((kf) => lookUp.requireUsable(kf, running)));
  return { type: 'rollback', revision, kfs, attach };
}

async function adjustment(
  asked: Extract<ChainRequest, { type: 'adjust' }>,
  { request, chain, lookUp }: Situation,
): Promise<ChainCommand> {
  const { instance, enabled } = asked;
  if (asked.config === undefined) return { type: enabled === false ? 'disable' : 'enable', instance };
  // Nothing to merge with: the decider says what is missing.
  if (chain.state !== 'live') return { type: 'configure', instance, config: {}, enabled };
  const kf = findKf(chain, instance, request.key);
  const config = mergeConfig(kf.config, asked.config);
  await lookUp.checkConfig({ ...kf, config });
  return { type: 'configure', instance, config, enabled };
}
