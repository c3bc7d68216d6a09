import {
  configValueSchema,
  kfDocumentSchema,
  nodeRpc,
  type Accepted,
  type ChainHistoryEntry,
  type ChainView,
  type Explanation,
  type Timing,
  type NodeReply,
} from '@l3af/contracts';
import { Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Req, Res } from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import {
  chainKeyOf,
  contextOf,
  flagSchema,
  ifMatchOf,
  readBody,
  readQuery,
  textOf,
  type ApiRequest,
} from '../http/api-request';
import { ChainHandler, type ChangeRequest } from './chain.handler';
import { ChainQueries } from './chain.queries';
import { parseChainDocument } from './document';

export const insertBodySchema = z.strictObject({
  kf: kfDocumentSchema,
  at: z.number().int().optional().describe('Position from 1; default: the end'),
});
export const moveBodySchema = z.strictObject({ to: z.number().int().describe('Position from 1') });
export const adjustBodySchema = z
  .strictObject({
    enabled: z.boolean().optional(),
    config: z
      .record(z.string(), configValueSchema)
      .optional()
      .describe('Laid over what is configured: each name replaces its value, null takes it away'),
  })
  .refine((body) => body.enabled !== undefined || body.config !== undefined, 'needs enabled or config');
export const rollbackBodySchema = z.strictObject({
  revision: z.number().int().positive().describe('The revision whose KFs the chain shall have again'),
});
export const changeQuerySchema = z.object({
  allowMissingInterface: flagSchema
    .optional()
    .describe('Accept a chain for an interface that the node does not have yet'),
  dryRun: flagSchema
    .optional()
    .describe('Decide only: the answer tells what would change, nothing is stored'),
  retry: flagSchema
    .optional()
    .describe('Store a new revision although nothing changes, such as after the node refused the one before'),
});
export const listQuerySchema = z.object({ deleted: flagSchema.optional() });
export const mapQuerySchema = z.object({ limit: z.coerce.number().int().positive().max(100_000).optional() });

export const timeBodySchema = z.strictObject({ seconds: nodeRpc.time.request.shape.seconds.default(5) });
export const explainBodySchema = z.strictObject({ packet: nodeRpc.explain.request.shape.packet });

type Params = Record<string, string>;

/** REST of chains: parses and calls the handler. */
@Controller('v1/nodes/:node/chains')
export class ChainController {
  constructor(
    private readonly handler: ChainHandler,
    private readonly queries: ChainQueries,
  ) {}

  @Get()
  list(@Req() request: ApiRequest, @Param('node') node: string): Promise<ChainView[]> {
    const { deleted } = readQuery(request, listQuerySchema);
    return this.queries.list(node, { ...(deleted !== undefined && { deleted }) });
  }

  @Get(':interface/:hook')
  async get(@Param() params: Params, @Res({ passthrough: true }) response: Response): Promise<ChainView> {
    const view = await this.queries.get(chainKeyOf(params));
    if (view.desired) response.setHeader('etag', `"${view.desired.revision}"`);
    return view;
  }

  @Put(':interface/:hook')
  @HttpCode(202)
  apply(@Req() request: ApiRequest, @Param() params: Params): Promise<Accepted> {
    const change = changeOf(request, params);
    const { kfs, attach } = parseChainDocument(textOf(request), change.key);
    return this.handler.change(change, { type: 'apply', kfs, attach });
  }

  @Delete(':interface/:hook')
  @HttpCode(202)
  delete(@Req() request: ApiRequest, @Param() params: Params): Promise<Accepted> {
    return this.handler.change(changeOf(request, params), { type: 'delete' });
  }

  @Post(':interface/:hook/clear')
  @HttpCode(202)
  clear(@Req() request: ApiRequest, @Param() params: Params): Promise<Accepted> {
    return this.handler.change(changeOf(request, params), { type: 'clear' });
  }

  @Post(':interface/:hook/rollback')
  @HttpCode(202)
  rollBack(@Req() request: ApiRequest, @Param() params: Params): Promise<Accepted> {
    const { revision } = readBody(request, rollbackBodySchema);
    return this.handler.change(changeOf(request, params), { type: 'rollback', revision });
  }

  @Get(':interface/:hook/history')
  history(@Param() params: Params): Promise<ChainHistoryEntry[]> {
    return this.queries.history(chainKeyOf(params));
  }

  @Post(':interface/:hook/kfs')
  @HttpCode(202)
  insert(@Req() request: ApiRequest, @Param() params: Params): Promise<Accepted> {
    const { kf, at } = readBody(request, insertBodySchema);
    return this.handler.change(changeOf(request, params), { type: 'insert', kf, at });
  }

  @Delete(':interface/:hook/kfs/:instance')
  @HttpCode(202)
  remove(@Req() request: ApiRequest, @Param() params: Params): Promise<Accepted> {
    return this.handler.change(changeOf(request, params), { type: 'remove', instance: instanceOf(params) });
  }

  @Post(':interface/:hook/kfs/:instance/move')
  @HttpCode(202)
  move(@Req() request: ApiRequest, @Param() params: Params): Promise<Accepted> {
    const { to } = readBody(request, moveBodySchema);
    return this.handler.change(changeOf(request, params), {
      type: 'move',
      instance: instanceOf(params),
      to,
    });
  }

  @Patch(':interface/:hook/kfs/:instance')
  @HttpCode(202)
  adjust(@Req() request: ApiRequest, @Param() params: Params): Promise<Accepted> {
    const { enabled, config } = readBody(request, adjustBodySchema);
    const instance = instanceOf(params);
    return this.handler.change(changeOf(request, params), { type: 'adjust', instance, enabled, config });
  }

  @Get(':interface/:hook/kfs/:instance/maps/:map')
  map(@Req() request: ApiRequest, @Param() params: Params): Promise<NodeReply<'map-dump'>> {
    const { limit } = readQuery(request, mapQuerySchema);
    const map = params['map'] ?? '';
    return this.queries.map(chainKeyOf(params), { kf: instanceOf(params), map, limit });
  }

  @Post(':interface/:hook/time')
  @HttpCode(200)
  time(@Req() request: ApiRequest, @Param() params: Params): Promise<Timing> {
    return this.queries.time(chainKeyOf(params), readBody(request, timeBodySchema).seconds);
  }

  @Post(':interface/:hook/explain')
  @HttpCode(200)
  explain(@Req() request: ApiRequest, @Param() params: Params): Promise<Explanation> {
    const { packet } = readBody(request, explainBodySchema);
    return this.queries.explain(chainKeyOf(params), packet);
  }
}

const instanceOf = (params: Params): string => params['instance'] ?? '';

function changeOf(request: ApiRequest, params: Params): ChangeRequest {
  return {
    key: chainKeyOf(params),
    context: contextOf(request),
    ifMatch: ifMatchOf(request),
    ...readQuery(request, changeQuerySchema),
  };
}
