import type { Metadata } from '@grpc/grpc-js';
import { cannot, L3afError } from '@l3af/contracts';
import { Controller, UseFilters } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { z } from 'zod';
import { inCall, readFields } from '../grpc/call';
import { GrpcErrorFilter } from '../grpc/grpc-error.filter';
import { unsetNulls } from '../grpc/values';
import { FleetHandler, type Stored } from './fleet.handler';
import { groupOf, labelsBodySchema, policyBodySchema, trustBodySchema, trustOf } from './node.controller';
import { NodeQueries } from './node.queries';

type Fields = Record<string, unknown>;

/** gRPC of nodes: parses and calls the handler. */
@Controller()
@UseFilters(GrpcErrorFilter)
export class NodeGrpc {
  constructor(
    private readonly queries: NodeQueries,
    private readonly handler: FleetHandler,
  ) {}

  @GrpcMethod('NodeService', 'ListNodes')
  async list(): Promise<object> {
    return { nodes: (await this.queries.list()).map(unsetNulls) };
  }

  @GrpcMethod('NodeService', 'GetNode')
  async get({ name }: { name: string }): Promise<object> {
    return unsetNulls(await this.queries.get(name));
  }

  @GrpcMethod('NodeService', 'SetLabels')
  label({ node, labels }: { node: string; labels?: Fields }, metadata: Metadata): Promise<Stored> {
    const body = readFields({ labels: labels ?? {} }, labelsBodySchema);
    return inCall(metadata, 'gRPC SetLabels', (context) =>
      this.handler.label(context, { data: { node, ...body } }),
    );
  }

  @GrpcMethod('NodeService', 'SetPolicy')
  setPolicy({ group, ...fields }: Fields & { group: string }, metadata: Metadata): Promise<Stored> {
    const data = { group: groupOf(group), ...readFields(fields, policyBodySchema) };
    return inCall(metadata, 'gRPC SetPolicy', (context) => this.handler.setPolicy(context, { data }));
  }

  @GrpcMethod('NodeService', 'SetTrust')
  setTrust({ group, ...fields }: Fields & { group: string }, metadata: Metadata): Promise<Stored> {
    const { trustedRoots, ...rest } = fields;
    const roots = readFields(trustedRoots ?? [], rootMessagesSchema).map(({ name, json }) => ({
      name,
      root: parsedRoot(name, json),
    }));
    const data = trustOf(group, readFields({ ...rest, trustedRoots: roots }, trustBodySchema));
    return inCall(metadata, 'gRPC SetTrust', (context) => this.handler.setTrust(context, { data }));
  }
}

const rootMessagesSchema = z.array(z.object({ name: z.string(), json: z.string() }));

function parsedRoot(name: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new L3afError('invalid-request', cannot('trust', 'trusted root', name, 'it is not JSON'), {
      cause,
    });
  }
}
