import type { L3afEvent, PackageEvent } from '@l3af/contracts';
import type { Projection, StoredEnvelope } from '@l3af/event-store';
import type { EntityManager } from 'typeorm';
import { jsonRows } from '../database/json-rows';

/** Packages, their signatures and what kernels said of them, from `l3af.evt.package.…`. */
export const packageProjection: Projection = {
  name: 'packages',
  version: 2,
  subjects: ['l3af.evt.package.'],

  async apply(manager, stored) {
    for (const one of stored)
      for (const event of one.events) await applyEvent(manager, one, packageEvent(event));
  },

  async clear(manager) {
    await manager.query('truncate package_version, package_signature, package_verification');
  },
};

function packageEvent(event: L3afEvent): PackageEvent {
  if (event.type.startsWith('Package')) return event as PackageEvent;
  throw new Error(`Cannot project event "${event.type}": it says nothing about a package`);
}

async function applyEvent(
  manager: EntityManager,
  stored: StoredEnvelope,
  event: PackageEvent,
): Promise<void> {
  switch (event.type) {
    case 'PackagePublished':
      return published(manager, stored, event.data);
    case 'PackageSigned': {
      const { name, digest, keyId } = event.data;
      await manager.query('insert into package_signature values ($1, $2, $3) on conflict do nothing', [
        name,
        digest,
        keyId,
      ]);
      return;
    }
    case 'PackageVerified': {
      const { error = null, tests = null, keyId: key_id = null, ...rest } = event.data;
      await manager.query(
        `insert into package_verification
           (name, digest, kernel, architecture, loaded, error, programs, tests, key_id)
         select * from jsonb_to_recordset($1::jsonb)
           as new(name text, digest text, kernel text, architecture text, loaded boolean, error jsonb,
                  programs jsonb, tests jsonb, key_id text)
         on conflict (name, digest, kernel, architecture)
         do update set loaded = excluded.loaded, error = excluded.error, programs = excluded.programs,
           tests = excluded.tests, key_id = excluded.key_id`,
        [jsonRows([{ ...rest, error, tests, key_id }])],
      );
      return;
    }
    case 'PackageYanked': {
      const { name, packageVersion, reason } = event.data;
      await manager.query(
        `update package_version set yanked = kept.reason
         from jsonb_to_recordset($1::jsonb) as kept(name text, version text, reason text)
         where (package_version.name, package_version.version) = (kept.name, kept.version)`,
        [jsonRows([{ name, version: packageVersion, reason }])],
      );
      return;
    }
    default: {
      const never: never = event;
      return never;
    }
  }
}

type Published = Extract<PackageEvent, { type: 'PackagePublished' }>['data'];

/** The same version again (the registry takes only the same content) keeps its first date and place; yanked before, it is back. */
async function published(manager: EntityManager, stored: StoredEnvelope, data: Published): Promise<void> {
  const { packageVersion, sizeBytes, sourceDigest, ...rest } = data;
  await manager.query(
    `insert into package_version
       (name, version, digest, sequence, published_at, architectures, size_bytes, schema, description, license,
        source_digest)
     select * from jsonb_to_recordset($1::jsonb)
       as new(name text, version text, digest text, sequence bigint, published_at text, architectures jsonb,
              size_bytes bigint, schema jsonb, description text, license text, source_digest text)
     on conflict (name, version) do update
       set digest = excluded.digest, architectures = excluded.architectures, size_bytes = excluded.size_bytes,
           schema = excluded.schema, description = excluded.description, license = excluded.license,
           source_digest = excluded.source_digest, yanked = null`,
    [
      jsonRows([
        {
          ...rest,
          version: packageVersion,
          sequence: stored.sequence,
          published_at: stored.envelope.at,
          size_bytes: sizeBytes,
          source_digest: sourceDigest,
        },
      ]),
    ],
  );
}
