import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buckets } from '@l3af/contracts';
import { connectBus } from '@l3af/event-store';
import type { Bus } from '@l3af/event-store';
import { digestOf } from '@l3af/oci';
import { startNats } from '@l3af/testing';
import type { TestNats } from '@l3af/testing';
import { busState } from './bus-state';
import { directoryState } from './directory-state';
import { describeStateContract } from './state.contract';
import type { StateUnderTest } from './state.contract';

describe('JetStream', () => {
  let nats: TestNats;
  let buses: Bus[];
  let under: StateUnderTest;
  beforeAll(async () => {
    nats = await startNats();
    buses = await Promise.all(['a', 'b'].map((name) => connectBus({ servers: nats.url, name })));
    under = { state: busState(buses[0]!), other: busState(buses[1]!) };
  });
  afterAll(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await nats.stop();
  });
  describeStateContract('JetStream', () => under);

  it('keeps parts as objects that other tools read', async () => {
    const { parts } = under.state;
    const owner = parts.newOwner();
    const content = [randomBytes(parts.bytesMax), randomBytes(1000)];
    for (const bytes of content) await parts.put(owner, bytes);
    const whole = Buffer.concat(content);
    await parts.seal(owner, { digest: digestOf(whole), sizeBytes: whole.length, parts: content.length });
    const bucket = await buses[0]!.nc.jetstream().views.os(buckets.blobs);
    expect(await bucket.info(owner)).toMatchObject({ size: whole.length, description: digestOf(whole) });
    // The client holds it against its digest.
    expect(Buffer.from((await bucket.getBlob(owner))!).equals(whole)).toBe(true);
  });
});

describe('directory', () => {
  let folder: string;
  let under: StateUnderTest;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'l3af-state-'));
    under = { state: await directoryState(folder), other: await directoryState(folder) };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  describeStateContract('a directory', () => under);
});
