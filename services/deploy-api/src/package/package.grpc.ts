import type { Metadata } from '@grpc/grpc-js';
import type { PackageDetails, PackageVersionView, PackageView } from '@l3af/contracts';
import { Controller, UseFilters } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { inCall, readFields } from '../grpc/call';
import { errorMessage } from '../grpc/error-message';
import { GrpcErrorFilter } from '../grpc/grpc-error.filter';
import { toStruct, unsetNulls } from '../grpc/values';
import { PackageDetailsReader } from './package-details';
import { yankBodySchema } from './package.controller';
import { PackageQueries } from './package.queries';
import { searchQuerySchema } from './search';

interface VersionName {
  name: string;
  version: string;
}

/** gRPC of packages. */
@Controller()
@UseFilters(GrpcErrorFilter)
export class PackageGrpc {
  constructor(
    private readonly queries: PackageQueries,
    private readonly details: PackageDetailsReader,
  ) {}

  @GrpcMethod('PackageService', 'ListPackages')
  async list(conditions: object): Promise<object> {
    const packages = await this.queries.search(readFields(conditions, searchQuerySchema));
    return { packages: packages.map(packageMessage) };
  }

  @GrpcMethod('PackageService', 'GetPackage')
  async get({ name }: { name: string }): Promise<object> {
    return packageMessage(await this.queries.get(name));
  }

  @GrpcMethod('PackageService', 'GetPackageVersion')
  async version({ name, version }: VersionName): Promise<object> {
    return detailsMessage(await this.details.read(name, version));
  }

  @GrpcMethod('PackageService', 'YankPackageVersion')
  yank({ name, version, ...rest }: VersionName & { reason: string }, metadata: Metadata): Promise<object> {
    const { reason } = readFields(rest, yankBodySchema);
    return inCall(metadata, 'gRPC YankPackageVersion', async ({ actor }) => {
      const { usedBy, ...yanked } = await this.details.yank({ name, version, reason, actor });
      return { ...yanked, usedBy: usedBy.map(unsetNulls) };
    });
  }
}

const packageMessage = ({ name, versions }: PackageView): object => ({
  name,
  versions: versions.map(versionMessage),
});

const versionMessage = ({ schema, verified, ...version }: PackageVersionView): object => ({
  ...unsetNulls(version),
  ...(schema && { schema: toStruct(schema) }),
  verified: verified.map(({ error, ...kernel }) => ({
    ...unsetNulls(kernel),
    ...(error && { error: errorMessage(error) }),
  })),
});

function detailsMessage(details: PackageDetails): object {
  const { manifest, readme, statements, needs, attachments, usedBy, problem, ...version } = details;
  return {
    version: versionMessage(version),
    ...(manifest && { manifest: toStruct(manifest) }),
    ...(readme !== null && { readme }),
    statements: statements.map(toStruct),
    ...(needs && { needs: toStruct(needs) }),
    attachments,
    usedBy: usedBy.map(unsetNulls),
    ...(problem && { problem: errorMessage(problem) }),
  };
}
