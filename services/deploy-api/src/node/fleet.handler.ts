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

/** Sets labels of nodes, and policies and trusted signers of groups of nodes. Each is set whole. */
@Injectable()
export class FleetHandler {
  constructor(private readonly connection: BusConnection) {}

  async label(context: RequestContext, data: NodeLabelled['data']): Promise<Stored> {
    const node = await queryConfig(this.connection.get(), 'nodes.get', { name: data.node });
    if (!node) {
      const state = 'no node of this name has registered';
      throw new L3afError('unknown-node', cannot('label', 'node', data.node, state));
    }
    return this.set(context, labelsSubject(data.node), { type: 'NodeLabelled', version: 1, data });
  }

  setPolicy(context: RequestContext, data: PolicyChanged['data']): Promise<Stored> {
    return this.set(context, policySubject(data.group), { type: 'PolicyChanged', version: 1, data });
  }

  async setTrust(context: RequestContext, data: TrustChanged['data']): Promise<Stored> {
    await checkTrust(data);
    return this.set(context, trustSubject(data.group), { type: 'TrustChanged', version: 1, data });
  }

  /** The policy of a group; undefined: none was set. */
  async policy(group: string): Promise<PolicyChanged['data'] | undefined> {
    const last = await this.connection.get().store.last(policySubject(group));
    const [event] = last?.events ?? [];
    return event?.type === 'PolicyChanged' ? event.data : undefined;
  }

  /** The trusted signers of a group; undefined: none were set. */
  async trust(group: string): Promise<TrustChanged['data'] | undefined> {
    const last = await this.connection.get().store.last(trustSubject(group));
    const [event] = last?.events ?? [];
    return event?.type === 'TrustChanged' ? event.data : undefined;
  }

  private async set(context: RequestContext, subject: string, event: L3afEvent): Promise<Stored> {
    const { actor, correlationId } = context;
    const { store } = this.connection.get();
    const { sequence, changed } = await store.decide({ subject, actor, correlationId }, (last) =>
      isDeepStrictEqual(last?.events, [event]) ? [] : [event],
    );
    return { sequence, changed };
  }
}
