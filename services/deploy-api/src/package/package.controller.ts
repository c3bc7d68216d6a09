import { cannot, L3afError, type BuildAccepted, type PackageView } from '@l3af/contracts';
import { Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { BuildHandler } from '../build/build.handler';
import { objectQuerySchema, readObject } from '../build/upload';
import { contextOf, readQuery, type ApiRequest } from '../http/api-request';
import { minSequenceSchema } from '../http/fresh';
import { PackageQueries } from './package.queries';

/** REST of packages. Publishing a compiled object is a build that has nothing to compile. */
@Controller('v1/packages')
export class PackageController {
  constructor(
    private readonly queries: PackageQueries,
    private readonly builds: BuildHandler,
  ) {}

  @Get()
  list(): Promise<PackageView[]> {
    return this.queries.list();
  }

  /** Slashes in the name are percent-encoded. */
  @Get(':name')
  get(@Req() request: ApiRequest, @Param('name') name: string): Promise<PackageView> {
    return this.queries.get(name, readQuery(request, minSequenceSchema).minSequence);
  }

  @Post()
  @HttpCode(202)
  async publish(@Req() request: ApiRequest): Promise<BuildAccepted> {
    const context = contextOf(request);
    if (!request.is(['application/octet-stream', 'application/x-elf', 'application/x-object'])) {
      const type = request.headers['content-type'] ?? '';
      throw new L3afError(
        'invalid-request',
        cannot('accept', 'content type', type, 'needs application/octet-stream'),
      );
    }
    const { fileName, ...naming } = readQuery(request, objectQuerySchema);
    const content = await readObject(request);
    return this.builds.upload(context, { kind: 'object', content, fileName }, naming);
  }
}
