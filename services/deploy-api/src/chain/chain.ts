import { isDeepStrictEqual } from 'node:util';
import { cannot, L3afError } from '@l3af/contracts';
import type {
  ChainAttach,
  ChainChange,
  ChainEvent,
  ChainKey,
  ConfigValue,
  DesiredKf,
  L3afEvent,
} from '@l3af/contracts';
import { describeDifference } from './describe';

/** A packet may make 33 tail calls; every KF but the first of a chain costs one, and so does the end. */
export const chainLengthMax = 33;

/** A chain as its last event tells it. Every event carries the whole chain, so the last one is enough. */
export interface Chain {
  /** 0: there never was one. */
  revision: number;
  state: 'none' | 'live' | 'deleted';
  kfs: readonly DesiredKf[];
  attach?: ChainAttach | undefined;
}

export const initialChain: Chain = { revision: 0, state: 'none', kfs: [] };

/** A change with everything resolved: packages to digests, programs to functions, configuration checked. */
export type ChainCommand =
  | { type: 'apply'; kfs: DesiredKf[]; attach?: ChainAttach | undefined }
  /** Positions count from 1; default: the end. */
  | { type: 'insert'; kf: DesiredKf; at?: number | undefined }
  | { type: 'remove'; instance: string }
  | { type: 'move'; instance: string; to: number }
  /** The KF's whole configuration; with `enabled`, both change in one revision. */
  | {
      type: 'configure';
      instance: string;
      config: Record<string, ConfigValue>;
      enabled?: boolean | undefined;
    }
  | { type: 'enable'; instance: string }
  | { type: 'disable'; instance: string }
  | { type: 'clear' }
  /** The KFs of an earlier revision. */
  | { type: 'rollback'; revision: number; kfs: DesiredKf[]; attach?: ChainAttach | undefined }
  | { type: 'delete' };

export function evolve(chain: Chain, event: L3afEvent): Chain {
  switch (event.type) {
    case 'ChainRevised':
      return { ...liveOf(event.data), kfs: event.data.kfs };
    case 'ChainCleared':
      return { ...liveOf(event.data), kfs: [] };
    case 'ChainDeleted':
      return { revision: event.data.revision, state: 'deleted', kfs: [] };
    default:
      return chain;
  }
}

const liveOf = ({ revision, attach }: { revision: number; attach?: ChainAttach | undefined }) =>
  ({ revision, state: 'live', ...(attach && { attach }) }) as const;

/** Decides one change of one chain; no events when the chain is already as asked. Throws the refusal otherwise. */
export function decide(command: ChainCommand, chain: Chain, context: DecisionContext): ChainEvent[] {
  if (command.type === 'delete') return decideDelete(chain, context);
  const kfs = nextKfs(command, chain, context.key);
  const attach = 'kfs' in command ? command.attach : chain.attach;
  const live = chain.state === 'live';
  const sameKfs = live && isDeepStrictEqual(kfs, [...chain.kfs]);
  const sameAttach = isDeepStrictEqual(attach, chain.attach);
  if (sameKfs && sameAttach && !context.retry) return [];
  checkChain(kfs, context.key);
  const head = { ...headOf(command, { before: chain, after: kfs }, context), ...(attach && { attach }) };
  if (live && !sameAttach)
    head.change.summary = `${sameKfs ? '' : `${head.change.summary}; `}to be attached differently`;
  return kfs.length > 0
    ? [{ type: 'ChainRevised', version: 1, data: { ...head, kfs } }]
    : [{ type: 'ChainCleared', version: 1, data: head }];
}

export interface DecisionContext {
  key: ChainKey;
  /** Why, in the words of whoever asked. */
  reason?: string | undefined;
  /** A new revision even when the chain is as asked: the node may have refused the one before. */
  retry?: boolean | undefined;
}

function decideDelete(chain: Chain, context: DecisionContext): ChainEvent[] {
  if (chain.state === 'deleted' && !context.retry) return [];
  if (chain.state === 'none') throw unknownChain('delete', context.key);
  const head = headOf({ type: 'delete' }, { before: chain, after: [] }, context);
  return [{ type: 'ChainDeleted', version: 1, data: head }];
}

function headOf(
  command: ChainCommand,
  { before, after }: { before: Chain; after: readonly DesiredKf[] },
  { key, reason }: DecisionContext,
) {
  const change: ChainChange = {
    kind: command.type,
    summary: summaryOf(command, before, after),
    ...(reason !== undefined && { reason }),
  };
  return { node: key.node, interface: key.interface, hook: key.hook, revision: before.revision + 1, change };
}

function summaryOf(command: ChainCommand, before: Chain, after: readonly DesiredKf[]): string {
  if (command.type === 'delete') return 'deleted the chain';
  const same = before.state === 'live' && isDeepStrictEqual([...before.kfs], [...after]);
  const difference = same ? 'tried again as it was' : describeDifference(before.kfs, after);
  return command.type === 'rollback' ? `to revision ${command.revision}: ${difference}` : difference;
}

function nextKfs(
  command: Exclude<ChainCommand, { type: 'delete' }>,
  chain: Chain,
  key: ChainKey,
): DesiredKf[] {
  switch (command.type) {
    case 'apply':
    case 'rollback':
      return command.kfs;
    case 'insert': {
      const at = command.at ?? chain.kfs.length + 1;
      checkPosition(at, chain.kfs.length + 1, `insert KF "${command.kf.name}"`);
      return chain.kfs.toSpliced(at - 1, 0, command.kf);
    }
    case 'clear':
      if (chain.state !== 'live') throw unknownChain('clear', key);
      return [];
    default:
      return changeOne(command, chain, key);
  }
}

type InstanceCommand = Extract<ChainCommand, { instance: string }>;

function changeOne(command: InstanceCommand, chain: Chain, key: ChainKey): DesiredKf[] {
  if (chain.state !== 'live') throw unknownChain('change', key);
  const kf = findKf(chain, command.instance, key);
  const at = chain.kfs.indexOf(kf);
  switch (command.type) {
    case 'remove':
      return chain.kfs.toSpliced(at, 1);
    case 'move':
      checkPosition(command.to, chain.kfs.length, `move KF "${kf.name}"`);
      return chain.kfs.toSpliced(at, 1).toSpliced(command.to - 1, 0, kf);
    case 'configure': {
      const { config, enabled = kf.enabled } = command;
      return chain.kfs.with(at, { ...kf, config, enabled });
    }
    case 'enable':
    case 'disable':
      return chain.kfs.with(at, { ...kf, enabled: command.type === 'enable' });
  }
}

/** The KF of that name; throws `unknown-instance` with the names that there are. */
export function findKf(chain: Chain, instance: string, key: ChainKey): DesiredKf {
  const found = chain.kfs.find((kf) => kf.name === instance);
  if (found) return found;
  const names = chain.kfs.map((kf) => kf.name);
  const state = names.length > 0 ? `the chain has ${names.join(', ')}` : 'the chain is empty';
  throw new L3afError('unknown-instance', cannot('find', 'KF', instance, state), {
    details: { ...key, instance, instances: names },
  });
}

function checkPosition(position: number, last: number, doing: string): void {
  if (Number.isInteger(position) && position >= 1 && position <= last) return;
  throw new L3afError(
    'position-out-of-range',
    `Cannot ${doing} at position ${position}: positions are 1 to ${last}`,
    { details: { position, last } },
  );
}

function checkChain(kfs: readonly DesiredKf[], key: ChainKey): void {
  const place = `${key.node}/${key.interface}/${key.hook}`;
  if (kfs.length > chainLengthMax) {
    const state = `it would have ${kfs.length} KFs, needs ${chainLengthMax} or fewer`;
    throw new L3afError('chain-too-long', cannot('change', 'chain', place, state), {
      details: { length: kfs.length, max: chainLengthMax },
    });
  }
  const twice = kfs.find((kf, at) => kfs.findIndex((other) => other.name === kf.name) !== at);
  if (!twice) return;
  const state = `two of its KFs would be called "${twice.name}"`;
  throw new L3afError('duplicate-instance', cannot('change', 'chain', place, state), {
    details: { instance: twice.name },
  });
}

function unknownChain(verb: string, key: ChainKey): L3afError {
  const place = `${key.node}/${key.interface}/${key.hook}`;
  return new L3afError('unknown-chain', cannot(verb, 'chain', place, 'there is none'), {
    details: { ...key },
  });
}
