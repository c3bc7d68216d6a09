import { cannot, L3afError, packageNameSchema, versionSchema } from '@l3af/contracts';
import { pipeline } from 'node:stream/promises';
import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { Exchange } from '../http/exchange';
import { nameOf, tagOf } from '../http/route';
import { RegistryAccess } from '../registry-access';
import { exportPackage } from './export-package';
import { importArchive } from './import-archive';
import { sendProblem } from './problem';

const yankSchema = z.strictObject({
  name: packageNameSchema,
  version: versionSchema,
  reason: z.string().min(1).max(1000),
});
const bodyBytesMax = 16 * 1024;

/** What the registry does with packages beyond the distribution API. */
@Controller('l3af/v1/packages')
export class PackagesController {
  constructor(private readonly access: RegistryAccess) {}

  /** `{name, version, reason}`: new deployments of the version are refused from now on. */
  @Post('yank')
  async yank(@Req() request: Request, @Res() response: Response): Promise<void> {
    const exchange = new Exchange(request, response);
    try {
      const { name, ...rest } = await parseBody(exchange);
      const actor = exchange.header('x-l3af-actor') ?? 'anonymous';
      const { sequence } = await this.access.get().packages.yank(name, { ...rest, actor });
      exchange.json(202, { name, version: rest.version, sequence });
    } catch (error) {
      sendProblem(exchange, error);
    }
  }

  /** `?name=&version=`: the version with everything attached, as one tar archive (an OCI layout). */
  @Get('export')
  async export(@Req() request: Request, @Res() response: Response): Promise<void> {
    const exchange = new Exchange(request, response);
    try {
      const name = nameOf(exchange.query('name') ?? '');
      const version = tagOf(exchange.query('version') ?? '');
      const archive = await exportPackage(this.access.get(), name, version);
      response.writeHead(200, { 'content-type': 'application/x-tar' });
      await pipeline(archive, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else sendProblem(exchange, error);
    }
  }

  /** `?name=`: takes such an archive; with a name, under that name. */
  @Post('import')
  async import(@Req() request: Request, @Res() response: Response): Promise<void> {
    const exchange = new Exchange(request, response);
    try {
      const imported = await importArchive(this.access.get(), exchange.body, exchange.query('name'));
      exchange.json(201, { imported });
    } catch (error) {
      sendProblem(exchange, error);
    }
  }
}

async function parseBody(exchange: Exchange): Promise<z.infer<typeof yankSchema>> {
  const bytes = await exchange.read(bodyBytesMax);
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new L3afError('invalid-request', cannot('read', 'request', 'yank', 'it is not JSON'), { cause });
  }
  const parsed = yankSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new L3afError('invalid-request', cannot('read', 'request', 'yank', z.prettifyError(parsed.error)));
}
