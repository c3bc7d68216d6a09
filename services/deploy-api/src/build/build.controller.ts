import { cannot, L3afError, type BuildAccepted, type BuildView } from '@l3af/contracts';
import { Controller, Delete, Get, Header, HttpCode, Param, Post, Req } from '@nestjs/common';
import { contextOf, readBody, readQuery, type ApiRequest } from '../http/api-request';
import { minSequenceSchema } from '../http/fresh';
import { BuildHandler } from './build.handler';
import { BuildQueries } from './build.queries';
import { archiveQuerySchema, gitBuildSchema, gzip, limited } from './upload';

/** REST of builds and logs. */
@Controller('v1')
export class BuildController {
  constructor(
    private readonly handler: BuildHandler,
    private readonly queries: BuildQueries,
  ) {}

  @Get('builds')
  list(): Promise<BuildView[]> {
    return this.queries.list();
  }

  @Get('builds/:id')
  get(@Req() request: ApiRequest, @Param('id') id: string): Promise<BuildView> {
    return this.queries.get(id, readQuery(request, minSequenceSchema).minSequence);
  }

  @Get('builds/:id/log')
  @Header('content-type', 'text/plain; charset=utf-8')
  async log(@Param('id') id: string): Promise<string> {
    return textOf(await this.queries.log(id));
  }

  /** A git URL as JSON, or the bytes of a tar.gz. */
  @Post('builds')
  @HttpCode(202)
  request(@Req() request: ApiRequest): Promise<BuildAccepted> {
    const context = contextOf(request);
    if (typeof request.body === 'string') {
      const { git, name, version } = readBody(request, gitBuildSchema);
      const { url, ref, folder, credential } = git;
      const source = {
        kind: 'git' as const,
        url,
        ...(ref !== undefined && { ref }),
        ...(folder !== undefined && { folder }),
        ...(credential !== undefined && { credential }),
      };
      return this.handler.request(context, source, { name, version });
    }
    if (!request.is(['application/gzip', 'application/x-gzip', 'application/octet-stream'])) {
      const type = request.headers['content-type'] ?? '';
      throw new L3afError(
        'invalid-request',
        cannot('accept', 'content type', type, 'needs application/json or application/gzip'),
      );
    }
    const { fileName, folder, ...naming } = readQuery(request, archiveQuerySchema);
    const content = limited(request, gzip);
    return this.handler.upload(context, { kind: 'archive', content, fileName, folder }, naming);
  }

  @Delete('builds/:id')
  @HttpCode(202)
  cancel(@Req() request: ApiRequest, @Param('id') id: string): Promise<BuildAccepted> {
    return this.handler.cancel(contextOf(request), id);
  }

  @Get('logs/:digest')
  @Header('content-type', 'text/plain; charset=utf-8')
  async logOf(@Param('digest') digest: string): Promise<string> {
    return textOf(await this.queries.logOf(digest));
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
