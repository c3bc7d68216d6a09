import { All, Controller, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { DistributionError } from '../distribution-error';
import type { Registry } from '../registry';
import { RegistryAccess } from '../registry-access';
import { handleBlob } from './blob-handlers';
import { Exchange, isOurFault } from './exchange';
import { handleCatalog, handleTags } from './list-handlers';
import { handleManifest, handleReferrers } from './manifest-handlers';
import { parseRoute } from './route';
import type { Route } from './route';
import { handleUpload, handleUploads } from './upload-handlers';

/** The OCI distribution API. One handler for all of it: repository names have slashes, which routers split at. */
@Controller()
export class DistributionController {
  constructor(private readonly access: RegistryAccess) {}

  @All(['v2', 'v2/*path'])
  async handle(@Req() request: Request, @Res() response: Response): Promise<void> {
    const exchange = new Exchange(request, response);
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    try {
      const route = parseRoute(exchange.pathname);
      if (!route) throw new DistributionError('NAME_UNKNOWN', 'the distribution API has no such path');
      await dispatch(this.access.get(), route, exchange);
    } catch (error) {
      const { method, pathname: path } = exchange;
      // A sender that goes away in the middle is no failure of ours.
      const cut = request.destroyed && !request.complete;
      if (isOurFault(error) && !cut) this.access.logger.error({ err: error, method, path }, 'request failed');
      exchange.fail(error);
    }
  }
}

function dispatch(registry: Registry, route: Route, exchange: Exchange): Promise<void> | void {
  switch (route.kind) {
    case 'base':
      return exchange.json(200, {});
    case 'catalog':
      return handleCatalog(registry, exchange);
    case 'uploads':
      return handleUploads(registry, route.repository, exchange);
    case 'upload':
      return handleUpload(registry, route, exchange);
    case 'blob':
      return handleBlob(registry, route, exchange);
    case 'manifest':
      return handleManifest(registry, route, exchange);
    case 'tags':
      return handleTags(registry, route.repository, exchange);
    case 'referrers':
      return handleReferrers(registry, route, exchange);
  }
}
