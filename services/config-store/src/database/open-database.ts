import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@l3af/telemetry';
import type { DataSource } from 'typeorm';
import { type DataSourceOptions } from 'typeorm';
import { BuildRow } from '../build/build.entity';
import { ChainRevisionRow, ChainRow } from '../chain/chain.entity';
import { NodeHeartbeatRow, NodeRow } from '../node/node.entity';
import { PackageSignatureRow, PackageVerificationRow, PackageVersionRow } from '../package/package.entity';
import { ReadModels1763700000000 } from './read-models.migration';
import { VerificationDetails1763800000000 } from './verification-details.migration';

export const entities = [
  ...[BuildRow, ChainRow, ChainRevisionRow, NodeRow, NodeHeartbeatRow],
  ...[PackageVersionRow, PackageSignatureRow, PackageVerificationRow],
];

/** Any number but the projector's: who holds it migrates. */
const migrationLock = 1_279_476_039;

export function databaseOptions(url: string, logger: Logger): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities,
    migrations: [ReadModels1763700000000, VerificationDetails1763800000000],
    applicationName: 'l3af-config-store',
    connectTimeoutMS: 5_000,
    poolErrorHandler: (error: unknown) => logger.warn({ err: error }, 'Postgres closed a connection'),
    extra: { keepAlive: true },
  };
}

/** Connects and migrates; waits for a database that is not there yet, until the signal. */
export async function openDatabase(
  dataSource: DataSource,
  logger: Logger,
  signal: AbortSignal,
): Promise<DataSource> {
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      if (!dataSource.isInitialized) await dataSource.initialize();
      await migrate(dataSource);
      logger.info('Postgres is connected, the read models are migrated');
      return dataSource;
    } catch (error) {
      if (attempt % 20 === 0) logger.warn({ err: error }, 'Waiting for Postgres');
      await delay(Math.min(2_000, 100 * 2 ** attempt), undefined, { signal });
    }
  }
}

/** One service at a time: replicas start together. */
async function migrate(dataSource: DataSource): Promise<void> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query('select pg_advisory_lock($1)', [migrationLock]);
    await dataSource.runMigrations({ transaction: 'all' });
    await runner.query('select pg_advisory_unlock($1)', [migrationLock]);
  } finally {
    // An error may have left the lock with the connection: it must not go back into the pool with it.
    if (!runner.isReleased) await runner.query('select pg_advisory_unlock_all()').catch(() => undefined);
    await runner.release();
  }
}
