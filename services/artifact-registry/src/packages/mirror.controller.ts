import { cannot, L3afError } from '@l3af/contracts';
import { Controller, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { DistributionError } from '../distribution-error';
import { Exchange } from '../http/exchange';
import { nameOf, tagOf } from '../http/route';
import { RegistryAccess } from '../registry-access';
import { isDigest } from '../repository/manifest-document';
import { mirrorPackage } from './mirror-package';
import type { MirrorRequest } from './mirror-package';
import { sendProblem } from './problem';

const mirrorSchema = z.strictObject({
  from: z.string(),
  name: z.string(),
  reference: z.string(),
  as: z.string().optional(),
  version: z.string().optional(),
  credentials: z.string().optional(),
  insecure: z.boolean().optional(),
});
const bodyBytesMax = 16 * 1024;
const runningMax = 4;

/** Takes packages over from other registries. */
@Controller('l3af/v1/packages')
export class MirrorController {
  private running = 0;

  constructor(private readonly access: RegistryAccess) {}

  /** `{from, name, reference, as?, version?, credentials?, insecure?}`: answers when the package and all that refers to it is here. */
  @Post('mirror')
  async mirror(@Req() request: Request, @Res() response: Response): Promise<void> {
    const exchange = new Exchange(request, response);
    this.running++;
    try {
      if (this.running > runningMax)
        throw new DistributionError('TOOMANYREQUESTS', `${runningMax} packages are being mirrored already`);
      const wanted = await parseBody(exchange);
      exchange.json(201, await mirrorPackage(this.access.get(), wanted, this.access.credentialsDir));
    } catch (error) {
      sendProblem(exchange, error);
    } finally {
      this.running--;
    }
  }
}

async function parseBody(exchange: Exchange): Promise<MirrorRequest> {
  const refuse = (state: string, cause?: unknown) =>
    new L3afError('invalid-request', cannot('read', 'request', 'mirror', state), { cause });
  let json: unknown;
  try {
    json = JSON.parse((await exchange.read(bodyBytesMax)).toString('utf8'));
  } catch (cause) {
    if (cause instanceof SyntaxError) throw refuse('it is not JSON', cause);
    throw cause;
  }
  const parsed = mirrorSchema.safeParse(json);
  if (!parsed.success) throw refuse(z.prettifyError(parsed.error));
  const { name, reference, as, version } = parsed.data;
  nameOf(name);
  if (as !== undefined) nameOf(as);
  if (version !== undefined) tagOf(version);
  if (!isDigest(reference)) tagOf(reference);
  return parsed.data;
}
