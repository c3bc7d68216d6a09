import { buckets } from '@l3af/contracts';
import type { Bus, KeyValueBucket } from '@l3af/event-store';
import { BusParts } from './bus-parts';
import type { Records, RegistryState, StateRecord } from './state';

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

/** Registry state in JetStream: documents in key-value buckets, parts in the object store. */
export function busState(bus: Bus): RegistryState {
  const records = new BusRecords(bus.keyValue('l3af-registry'));
  return {
    records,
    // A deleted key leaves a marker; those of uploads, whose keys never come back, age out with the bucket's limit.
    uploads: new BusRecords(bus.keyValue('l3af-registry-uploads', { ttlMs: uploadsTtlMs })),
    parts: new BusParts(bus, buckets.blobs),
    check: async () => {
      await records.get('check');
    },
  };
}
