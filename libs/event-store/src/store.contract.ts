import { chainSubject, L3afError, type ErrorCode, type L3afEvent } from '@l3af/contracts';
import type { EventStore, StoredEnvelope } from './index';

/** What a contract run needs: a store that the run may fill, on its own. */
export interface StoreUnderTest {
  store: EventStore;
  stop(): Promise<void>;
}

export const demo = (interfaceName: string): string =>
  chainSubject({ node: 'demo-1', interface: interfaceName, hook: 'xdp' });

export const cleared = (revision: number, interfaceName = 'l3af0'): L3afEvent => ({
  type: 'ChainCleared',
  version: 1,
  data: {
    node: 'demo-1',
    interface: interfaceName,
    hook: 'xdp',
    revision,
    change: { kind: 'clear', summary: `revision ${revision}` },
  },
});

export async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | 'none' | 'foreign'> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return error instanceof L3afError ? error.code : 'foreign';
  }
}

export async function collect(stored: AsyncIterable<StoredEnvelope>): Promise<StoredEnvelope[]> {
  const all: StoredEnvelope[] = [];
  for await (const one of stored) all.push(one);
  return all;
}

/** Every event store keeps these promises; the same suite runs on each. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as an event store`, () => {
    let under: StoreUnderTest;
    const actor = 'test';
    beforeEach(async () => void (under = await open()));
    afterEach(() => under.stop());

    test('append() stores a decision that last() gives back', async () => {
      const subject = demo('l3af0');
      expect(await under.store.last(subject)).toBeUndefined();
      const { sequence, duplicate, envelope } = await under.store.append({
        subject,
        events: [cleared(1)],
        actor,
      });
      expect([sequence, duplicate]).toEqual([1, false]);
      expect(envelope).toMatchObject({
        streamId: 'chain.demo-1.l3af0.xdp',
        actor,
        correlationId: envelope.id,
      });
      expect(await under.store.last(subject)).toEqual({ sequence, subject, envelope, events: [cleared(1)] });
    });

    test('append() refuses a decision that was made on an older state', async () => {
      const subject = demo('l3af0');
      await under.store.append({ subject, events: [cleared(1)], actor, expectedSequence: 0 });
      const late = under.store.append({ subject, events: [cleared(1)], actor, expectedSequence: 0 });
      expect(await codeOf(late)).toBe('conflict');
      await under.store.append({ subject, events: [cleared(2)], actor, expectedSequence: 1 });
      expect((await under.store.last(subject))?.sequence).toBe(2);
    });

    test('the expected sequence is that of the subject, not of the stream', async () => {
      await under.store.append({ subject: demo('a'), events: [cleared(1, 'a')], actor });
      const first = under.store.append({
        subject: demo('b'),
        events: [cleared(1, 'b')],
        actor,
        expectedSequence: 0,
      });
      expect(await first).toMatchObject({ sequence: 2 });
    });

    test('the same decision again is stored once and says so', async () => {
      const request = { subject: demo('l3af0'), events: [cleared(1)], actor, id: 'one', expectedSequence: 0 };
      const first = await under.store.append(request);
      const again = await under.store.append(request);
      expect(again).toEqual({ sequence: first.sequence, duplicate: true, envelope: first.envelope });
      expect(await under.store.lastSequence()).toBe(1);
    });

    test('another decision under a known id is a conflict, not a silent success', async () => {
      const request = { subject: demo('l3af0'), actor, id: 'one' };
      await under.store.append({ ...request, events: [cleared(1)] });
      expect(await codeOf(under.store.append({ ...request, events: [cleared(2)] }))).toBe('conflict');
    });

    test('the same id on another subject is stored, not swallowed', async () => {
      await under.store.append({ subject: demo('a'), events: [cleared(1, 'a')], actor, id: 'one' });
      const other = await under.store.append({
        subject: demo('b'),
        events: [cleared(1, 'b')],
        actor,
        id: 'one',
      });
      expect(other).toMatchObject({ sequence: 2, duplicate: false });
      expect((await under.store.last(demo('b')))?.envelope.id).toBe('one');
    });

    test('append() refuses what nobody could read back', async () => {
      const broken = { type: 'ChainCleared', version: 1, data: {} } as unknown as L3afEvent;
      expect(await codeOf(under.store.append({ subject: demo('a'), events: [broken], actor }))).toBe(
        'internal',
      );
      expect(await codeOf(under.store.append({ subject: demo('a'), events: [], actor }))).toBe('internal');
      const large = cleared(1);
      if (large.type === 'ChainCleared') large.data.change.summary = 'x'.repeat(1024 * 1024);
      expect(await codeOf(under.store.append({ subject: demo('a'), events: [large], actor }))).toBe(
        'payload-too-large',
      );
      expect(await under.store.lastSequence()).toBe(0);
    });

    test('read() gives everything in order up to now, from any sequence, of any subject', async () => {
      expect(await collect(under.store.read())).toEqual([]);
      for (let i = 1; i <= 10; i++) {
        const name = i % 2 ? 'a' : 'b';
        await under.store.append({ subject: demo(name), events: [cleared(i, name)], actor });
      }
      const sequences = (all: StoredEnvelope[]): number[] => all.map((one) => one.sequence);
      expect(sequences(await collect(under.store.read()))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(sequences(await collect(under.store.read({ fromSequence: 8 })))).toEqual([8, 9, 10]);
      expect(sequences(await collect(under.store.read({ subject: demo('a') })))).toEqual([1, 3, 5, 7, 9]);
      expect(sequences(await collect(under.store.read({ subject: demo('a'), fromSequence: 10 })))).toEqual(
        [],
      );
      expect(sequences(await collect(under.store.read({ fromSequence: 11 })))).toEqual([]);
      expect(sequences(await collect(under.store.read({ subject: demo('none') })))).toEqual([]);
    });

    test('follow() goes on with what is stored later', async () => {
      const seen: number[] = [];
      const stop = new AbortController();
      await under.store.append({ subject: demo('a'), events: [cleared(1, 'a')], actor });
      for await (const { sequence } of under.store.follow({ signal: stop.signal })) {
        seen.push(sequence);
        if (seen.length === 1)
          await under.store.append({ subject: demo('a'), events: [cleared(2, 'a')], actor });
        else stop.abort();
      }
      expect(seen).toEqual([1, 2]);
    });

    test('decide() decides again on what others stored meanwhile', async () => {
      const subject = demo('l3af0');
      const revisions: number[] = [];
      const decided = await under.store.decide({ subject, actor }, async (last) => {
        const revision = (last?.sequence ?? 0) + 1;
        revisions.push(revision);
        if (revisions.length === 1)
          await under.store.append({ subject, events: [cleared(1)], actor: 'faster' });
        return [cleared(revision)];
      });
      expect(revisions).toEqual([1, 2]);
      expect(decided).toEqual({ sequence: 2, events: [cleared(2)], changed: true });
    });

    test('decide() stores nothing when there is nothing to change', async () => {
      const subject = demo('l3af0');
      await under.store.append({ subject, events: [cleared(1)], actor });
      const decided = await under.store.decide({ subject, actor }, () => []);
      expect(decided).toEqual({ sequence: 1, events: [], changed: false });
      expect(await under.store.lastSequence()).toBe(1);
    });

    test('decide() gives up after a bounded number of conflicts and says conflict', async () => {
      const subject = demo('l3af0');
      let attempts = 0;
      const always = under.store.decide({ subject, actor }, async () => {
        attempts++;
        await under.store.append({ subject, events: [cleared(attempts)], actor: 'faster' });
        return [cleared(99)];
      });
      expect(await codeOf(always)).toBe('conflict');
      expect(attempts).toBe(8);
    });

    test('20 deciders at once make 20 revisions, none lost and none twice', async () => {
      const subject = demo('l3af0');
      const lastRevision = (last: StoredEnvelope | undefined): number => {
        const event = last?.events[0];
        return event?.type === 'ChainCleared' ? event.data.revision : 0;
      };
      const decideOnce = async (): Promise<unknown> => {
        const next = (last: StoredEnvelope | undefined): L3afEvent[] => [cleared(lastRevision(last) + 1)];
        while ((await codeOf(under.store.decide({ subject, actor }, next))) === 'conflict');
        return undefined;
      };
      await Promise.all(Array.from({ length: 20 }, decideOnce));
      const revisions = (await collect(under.store.read({ subject }))).map(lastRevision);
      expect(revisions).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    });
  });
}
