import {
  cannot,
  L3afError,
  type BuildAccepted,
  type PackageDetails,
  type PackageView,
  type VerificationAccepted,
  type Yanked,
} from '@l3af/contracts';
import { Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { BuildHandler } from '../build/build.handler';
import { objectQuerySchema, readObject } from '../build/upload';
import { BusConnection } from '../bus/bus-connection';
import { z } from 'zod';
import { contextOf, readBody, readQuery, type ApiRequest } from '../http/api-request';
import { minSequenceSchema } from '../http/fresh';
import { PackageDetailsReader } from './package-details';
import { PackageQueries } from './package.queries';
import { requestVerification } from './request-verification';
import { searchQuerySchema } from './search';

export const yankBodySchema = z.strictObject({ reason: z.string().trim().min(1).max(1000) });

export const verifyBodySchema = z.strictObject({
  /** A release, or its series such as `6.1`; default: every kernel that builders have. */
  kernel: z
    .string()
    .regex(/^\d+\.\d+[A-Za-z0-9._+-]{0,100}$/, 'must be a release such as 6.1')
    .optional(),
});

/** REST of packages. Publishing a compiled object is a build that has nothing to compile. */
@Controller('v1/packages')
export class PackageController {
  constructor(
    private readonly queries: PackageQueries,
    private readonly builds: BuildHandler,
    private readonly details: PackageDetailsReader,
    private readonly connection: BusConnection,
  ) {}

  @Get()
  list(@Req() request: ApiRequest): Promise<PackageView[]> {
    return this.queries.search(readQuery(request, searchQuerySchema));
  }

  /** Slashes in the name are percent-encoded. */
  @Get(':name')
  get(@Req() request: ApiRequest, @Param('name') name: string): Promise<PackageView> {
    return this.queries.get(name, readQuery(request, minSequenceSchema).minSequence);
  }

  /** The version may be a digest. */
  @Get(':name/versions/:version')
  version(@Param('name') name: string, @Param('version') version: string): Promise<PackageDetails> {
    return this.details.read(name, version);
  }

  @Post(':name/versions/:version/yank')
  @HttpCode(202)
  yank(@Req() request: ApiRequest, @Param() params: Record<string, string>): Promise<Yanked> {
    const { name = '', version = '' } = params;
    const { reason } = readBody(request, yankBodySchema);
    return this.details.yank({ name, version, reason, actor: contextOf(request).actor });
  }

  @Post(':name/versions/:version/verify')
  @HttpCode(202)
  async verify(
    @Req() request: ApiRequest,
    @Param() params: Record<string, string>,
  ): Promise<VerificationAccepted> {
    const { name = '', version = '' } = params;
    const { kernel } = readBody(request, verifyBodySchema);
    const found = await this.details.find(name, version);
    return requestVerification(this.connection.get(), found, { ...contextOf(request), kernel });
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
