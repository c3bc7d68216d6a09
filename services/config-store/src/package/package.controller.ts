import { configRpcSubject, type PackageVersionView, type PackageView } from '@l3af/contracts';
import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { DataSource, type EntityManager } from 'typeorm';
import { QueryAnswers } from '../query/query-answers';
import { PackageSignatureRow, PackageVerificationRow, PackageVersionRow } from './package.entity';

@Controller()
export class PackageController {
  constructor(
    private readonly answers: QueryAnswers,
    private readonly dataSource: DataSource,
  ) {}

  @MessagePattern(configRpcSubject('packages.list'))
  list(request: unknown): Promise<unknown> {
    return this.answers.to('packages.list', request, () => this.views());
  }

  @MessagePattern(configRpcSubject('packages.get'))
  get(request: unknown): Promise<unknown> {
    return this.answers.to('packages.get', request, async ({ name }) => (await this.views(name))[0] ?? null);
  }

  /** One snapshot, so that a version is never seen without the signature that came before it. */
  private views(name?: string): Promise<PackageView[]> {
    return this.dataSource.transaction('REPEATABLE READ', (manager) => readViews(manager, name));
  }
}

async function readViews(manager: EntityManager, name: string | undefined): Promise<PackageView[]> {
  const where = name === undefined ? {} : { name };
  const versions = await manager.find(PackageVersionRow, { where, order: { name: 'ASC', sequence: 'DESC' } });
  const signatures = await manager.find(PackageSignatureRow, { where, order: { keyId: 'ASC' } });
  const verified = await manager.find(PackageVerificationRow, {
    where,
    order: { kernel: 'ASC', architecture: 'ASC' },
  });
  const signaturesOf = groupByDigest(signatures);
  const verifiedOf = groupByDigest(verified);
  const packages = new Map<string, PackageVersionView[]>();
  for (const { sequence: _, ...row } of versions) {
    const group = packages.get(row.name) ?? [];
    packages.set(row.name, group);
    group.push({
      ...row,
      signers: (signaturesOf.get(digestKey(row)) ?? []).map(({ keyId }) => keyId),
      verified: (verifiedOf.get(digestKey(row)) ?? []).map(
        ({ name: _name, digest: _digest, ...kernel }) => kernel,
      ),
    });
  }
  return [...packages].map(([key, group]) => ({ name: key, versions: group }));
}

interface OfDigest {
  name: string;
  digest: string;
}

const digestKey = ({ name, digest }: OfDigest): string => `${name}@${digest}`;

function groupByDigest<T extends OfDigest>(rows: T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(digestKey(row));
    if (group) group.push(row);
    else groups.set(digestKey(row), [row]);
  }
  return groups;
}
