import type { PackageView } from '@l3af/contracts';
import { Controller, UseFilters } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { errorMessage } from '../grpc/error-message';
import { GrpcErrorFilter } from '../grpc/grpc-error.filter';
import { toStruct, unsetNulls } from '../grpc/values';
import { PackageQueries } from './package.queries';

/** gRPC of packages. */
@Controller()
@UseFilters(GrpcErrorFilter)
export class PackageGrpc {
  constructor(private readonly queries: PackageQueries) {}

  @GrpcMethod('PackageService', 'ListPackages')
  async list(): Promise<object> {
    return { packages: (await this.queries.list()).map(packageMessage) };
  }

  @GrpcMethod('PackageService', 'GetPackage')
  async get({ name }: { name: string }): Promise<object> {
    return packageMessage(await this.queries.get(name));
  }
}

function packageMessage({ name, versions }: PackageView): object {
  return {
    name,
    versions: versions.map(({ schema, verified, ...version }) => ({
      ...unsetNulls(version),
      ...(schema && { schema: toStruct(schema) }),
      verified: verified.map(({ error, ...kernel }) => ({
        ...unsetNulls(kernel),
        ...(error && { error: errorMessage(error) }),
      })),
    })),
  };
}
