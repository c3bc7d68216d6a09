import { createHash, randomBytes } from 'node:crypto';
import { buckets } from '@l3af/contracts';
import type { Bus, KeyValueBucket, ObjectBucket } from '@l3af/event-store';
import type { Parts, PlannedPart, Records, RegistryState, StateRecord } from './state';

const saltBytes = 16;
const uploadsTtlMs = 30 * 24 * 3_600_000;

class BusRecords implements Records {
  constructor(private readonly bucket: KeyValueBucket) {}

  async get(key: string): Promise<StateRecord | undefined> {
    const entry = await this.bucket.get(key);
    return entry && { value: entry.value, revision: entry.revision };
  }
  create(key: string, value: Uint8Array): Promise<number> {
    return this.bucket.create(key, value);
  }
  update(key: string, value: Uint8Array, revision: number): Promise<number> {
    return this.bucket.update(key, value, revision);
  }
  delete(key: string, revision: number): Promise<void> {
    return this.bucket.delete(key, revision);
  }
  keys(): Promise<string[]> {
    return this.bucket.keys();
  }
}

/**
 * Objects are named by their content, so equal parts of two uploads would be one object, and deleting one upload
 * could pull it from under the other. A salt in front keeps them apart.
 */
class BusParts implements Parts {
  constructor(private readonly bucket: ObjectBucket) {}

  plan(bytes: Uint8Array): PlannedPart {
    const salted = Buffer.concat([randomBytes(saltBytes), bytes]);
    const name = `sha256:${createHash('sha256').update(salted).digest('hex')}`;
    return {
      name,
      store: async () => {
        await this.bucket.put(salted);
      },
    };
  }
  async get(name: string): Promise<Uint8Array> {
    return (await this.bucket.get(name)).subarray(saltBytes);
  }
  delete(name: string): Promise<void> {
    return this.bucket.delete(name);
  }
}

/** Registry state in JetStream: documents in key-value buckets, parts in the object store. */
export function busState(bus: Bus): RegistryState {
  const records = new BusRecords(bus.keyValue('l3af-registry'));
  return {
    records,
    // A deleted key leaves a marker; those of uploads, whose keys never come back, age out with the bucket's limit.
    uploads: new BusRecords(bus.keyValue('l3af-registry-uploads', { ttlMs: uploadsTtlMs })),
    parts: new BusParts(bus.objects(buckets.blobs)),
    check: async () => {
      await records.get('check');
    },
  };
}
