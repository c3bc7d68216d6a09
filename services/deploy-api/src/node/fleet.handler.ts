import { isDeepStrictEqual } from 'node:util';
import {
  cannot,
  L3afError,
  labelsSubject,
  policySubject,
  trustSubject,
  type L3afEvent,
  type NodeLabelled,
  type PolicyChanged,
  type TrustChanged,
} from '@l3af/contracts';
import { queryConfig } from '@l3af/event-store';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BusConnection } from '../bus/bus-connection';
import type { RequestContext } from '../request-context';
import { checkTrust } from './check-trust';

/** The answer to a change of what is set whole: labels, policies, trust. */
export const storedSchema = z.object({ sequence: z.number().int(), changed: z.boolean() });
export type Stored = z.infer<typeof storedSchema>;

/** What was set whole, and the sequence at which: the change of one who has seen it names it. */
export interface Settled<T> {
  value: T;
  sequence: number;
}

/** Whoever sets it: where and what; `ifMatch`: only where this sequence is the last, 0: none yet. */
export interface Setting<T> {
  data: T;
  ifMatch?: number | 'any' | undefined;
}

/** Sets labels of nodes, and policies and trusted signers of groups of nodes. Each is set whole. */
@Injectable()
export class FleetHandler {
  constructor(private readonly connection: BusConnection) {}

  async label(context: RequestContext, { data, ifMatch }: Setting<NodeLabelled['data']>): Promise<Stored> {
    const node = await queryConfig(this.connection.get(), 'nodes.get', { name: data.node });
    if (!node) {
      const state = 'no node of this name has registered';
      throw new L3afError('unknown-node', cannot('label', 'node', data.node, state));
    }
    const event = { type: 'NodeLabelled', version: 1, data } as const;
    return this.set(context, { subject: labelsSubject(data.node), event, ifMatch });
  }

  setPolicy(context: RequestContext, { data, ifMatch }: Setting<PolicyChanged['data']>): Promise<Stored> {
    const event = { type: 'PolicyChanged', version: 1, data } as const;
    return this.set(context, { subject: policySubject(data.group), event, ifMatch });
  }

  async setTrust(context: RequestContext, { data, ifMatch }: Setting<TrustChanged['data']>): Promise<Stored> {
    await checkTrust(data);
    const event = { type: 'TrustChanged', version: 1, data } as const;
    return this.set(context, { subject: trustSubject(data.group), event, ifMatch });
  }

  /** The labels that were given to a node, without those that it has from its own configuration. */
  async labels(node: string): Promise<Settled<NodeLabelled['data']>> {
    const last = await this.connection.get().store.last(labelsSubject(node));
    const [event] = last?.events ?? [];
    const value = event?.type === 'NodeLabelled' ? event.data : { node, labels: {} };
    return { value, sequence: last?.sequence ?? 0 };
  }

  /** The policy of a group; undefined: none was set. */
  async policy(group: string): Promise<Settled<PolicyChanged['data']> | undefined> {
    const last = await this.connection.get().store.last(policySubject(group));
    const [event] = last?.events ?? [];
    return last && event?.type === 'PolicyChanged'
      ? { value: event.data, sequence: last.sequence }
      : undefined;
  }

  /** The trusted signers of a group; undefined: none were set. */
  async trust(group: string): Promise<Settled<TrustChanged['data']> | undefined> {
    const last = await this.connection.get().store.last(trustSubject(group));
    const [event] = last?.events ?? [];
    return last && event?.type === 'TrustChanged'
      ? { value: event.data, sequence: last.sequence }
      : undefined;
  }

  private async set(
    context: RequestContext,
    { subject, event, ifMatch }: { subject: string; event: L3afEvent; ifMatch: number | 'any' | undefined },
  ): Promise<Stored> {
    const { actor, correlationId } = context;
    const { store } = this.connection.get();
    const { sequence, changed } = await store.decide({ subject, actor, correlationId }, (last) => {
      checkSeen(subject, last?.sequence ?? 0, ifMatch);
      return isDeepStrictEqual(last?.events, [event]) ? [] : [event];
    });
    return { sequence, changed };
  }
}

function checkSeen(subject: string, sequence: number, ifMatch: number | 'any' | undefined): void {
  if (ifMatch === undefined || ifMatch === sequence || (ifMatch === 'any' && sequence > 0)) return;
  const state = `it was last set at sequence ${sequence}, the change was meant for ${ifMatch}`;
  throw new L3afError('conflict', cannot('set', 'subject', subject, state), {
    details: { sequence, ifMatch },
    hint: 'Read it again, and change what it is now',
  });
}
