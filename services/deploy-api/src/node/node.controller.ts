import {
  cannot,
  L3afError,
  nodeLabelledSchema,
  nodeNameSchema,
  policyChangedSchema,
  trustChangedSchema,
  type NodeLabelled,
  type NodeView,
  type PolicyChanged,
  type TrustChanged,
} from '@l3af/contracts';
import { Controller, Get, HttpCode, Param, Put, Req, Res } from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import { contextOf, ifMatchOf, readBody, readQuery, type ApiRequest } from '../http/api-request';
import { minSequenceSchema } from '../http/fresh';
import { FleetHandler, type Settled, type Stored } from './fleet.handler';
import { NodeQueries } from './node.queries';

const labelKey = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?$/, 'must be 1 to 128 letters, digits, . _ / -');
export const labelsBodySchema = z.strictObject({
  labels: nodeLabelledSchema.shape.data.shape.labels.pipe(z.record(labelKey, z.string().max(256))),
});
export const policyBodySchema = policyChangedSchema.shape.data.omit({ group: true }).strict();
export const trustBodySchema = z.strictObject({
  signers: trustChangedSchema.shape.data.shape.signers,
  revoked: trustChangedSchema.shape.data.shape.revoked.default([]),
  identities: trustChangedSchema.shape.data.shape.identities,
  trustedRoots: trustChangedSchema.shape.data.shape.trustedRoots,
});

/** REST of nodes, and of what is set for groups of them. */
@Controller('v1')
export class NodeController {
  constructor(
    private readonly queries: NodeQueries,
    private readonly handler: FleetHandler,
  ) {}

  @Get('nodes')
  list(): Promise<NodeView[]> {
    return this.queries.list();
  }

  @Get('nodes/:node')
  get(@Req() request: ApiRequest, @Param('node') node: string): Promise<NodeView> {
    return this.queries.get(node, readQuery(request, minSequenceSchema).minSequence);
  }

  @Put('nodes/:node/labels')
  @HttpCode(202)
  label(@Req() request: ApiRequest, @Param('node') node: string): Promise<Stored> {
    const { labels } = readBody(request, labelsBodySchema);
    return this.handler.label(contextOf(request), { data: { node, labels }, ifMatch: ifMatchOf(request) });
  }

  @Get('nodes/:node/labels')
  async labels(
    @Param('node') node: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<NodeLabelled['data']> {
    await this.queries.get(node);
    return tagged(response, await this.handler.labels(node));
  }

  @Get('policies/:group')
  async policy(
    @Param('group') group: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<PolicyChanged['data']> {
    return tagged(response, found(await this.handler.policy(group), 'policy', group));
  }

  @Put('policies/:group')
  @HttpCode(202)
  setPolicy(@Req() request: ApiRequest, @Param('group') group: string): Promise<Stored> {
    const policy = readBody(request, policyBodySchema);
    const data = { group: groupOf(group), ...policy };
    return this.handler.setPolicy(contextOf(request), { data, ifMatch: ifMatchOf(request) });
  }

  @Get('trust/:group')
  async trust(
    @Param('group') group: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<TrustChanged['data']> {
    return tagged(response, found(await this.handler.trust(group), 'trust', group));
  }

  @Put('trust/:group')
  @HttpCode(202)
  setTrust(@Req() request: ApiRequest, @Param('group') group: string): Promise<Stored> {
    const trust = readBody(request, trustBodySchema);
    const data = trustOf(group, trust);
    return this.handler.setTrust(contextOf(request), { data, ifMatch: ifMatchOf(request) });
  }
}

/** What a group is to trust, as the event has it: what was not said is left out. */
export function trustOf(
  group: string,
  { identities = [], trustedRoots = [], ...keys }: z.output<typeof trustBodySchema>,
): TrustChanged['data'] {
  return {
    group: groupOf(group),
    ...keys,
    ...(identities.length > 0 && { identities }),
    ...(trustedRoots.length > 0 && { trustedRoots }),
  };
}

/** The name of a group of nodes, checked. */
export function groupOf(group: string): string {
  const name = nodeNameSchema.safeParse(group);
  if (name.success) return name.data;
  throw new L3afError('invalid-request', cannot('use', 'group', group, name.error.issues[0]!.message));
}

/** The ETag is the sequence at which it was set, for `If-Match`. */
function tagged<T>(response: Response, { value, sequence }: Settled<T>): T {
  response.setHeader('etag', `"${sequence}"`);
  return value;
}

function found<T>(value: T | undefined, what: string, group: string): T {
  if (value !== undefined) return value;
  throw new L3afError('unknown-object', cannot('show', `${what} of group`, group, 'none was set'), {
    hint: `PUT sets the ${what} of a group; the group default is every node's`,
  });
}
