import { crc32 } from 'node:zlib';
import type { RegistryState } from './state';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');
const text = (value: Uint8Array | undefined): string | undefined =>
  value && Buffer.from(value).toString('utf8');

export interface StateUnderTest {
  state: RegistryState;
  /** A second process's view of the same state. */
  other: RegistryState;
}

/** What both backends promise. */
export function describeStateContract(name: string, open: () => StateUnderTest): void {
  describe(`the state contract on ${name}`, () => {
    it('keeps a record, for every process', async () => {
      const { state, other } = open();
      const revision = await state.records.create('a/b', bytes('one'));
      expect(await other.records.get('a/b')).toEqual({ value: expect.anything(), revision });
      const next = await other.records.update('a/b', bytes('two'), revision);
      expect(next).toBeGreaterThan(revision);
      expect(text((await state.records.get('a/b'))?.value)).toBe('two');
    });

    it('has nothing under a key that was never stored', async () => {
      expect(await open().state.records.get('never')).toBeUndefined();
    });

    it('refuses what was decided on an older revision', async () => {
      const { records } = open().state;
      const first = await records.create('cas', bytes('1'));
      const second = await records.update('cas', bytes('2'), first);
      await expect(records.create('cas', bytes('x'))).rejects.toMatchObject({ code: 'conflict' });
      await expect(records.update('cas', bytes('x'), first)).rejects.toMatchObject({ code: 'conflict' });
      await expect(records.delete('cas', first)).rejects.toMatchObject({ code: 'conflict' });
      expect(await records.get('cas')).toMatchObject({ revision: second });
    });

    it('deletes a record and lets it be created again, at a later revision', async () => {
      const { records } = open().state;
      const first = await records.create('again', bytes('1'));
      await records.delete('again', first);
      expect(await records.get('again')).toBeUndefined();
      await expect(records.update('again', bytes('x'), first)).rejects.toMatchObject({ code: 'conflict' });
      expect(await records.create('again', bytes('2'))).toBeGreaterThan(first);
    });

    it('loses no change of many writers', async () => {
      const { state, other } = open();
      await state.records.create('count', bytes('0'));
      const writers = [state, other, state, other];
      let stored = 0;
      const increment = async ({ records }: RegistryState) => {
        for (let done = 0; done < 5;) {
          const now = await records.get('count');
          try {
            await records.update('count', bytes(String(Number(text(now?.value)) + 1)), now!.revision);
            done++;
            stored++;
          } catch (error) {
            expect(error).toMatchObject({ code: 'conflict' });
          }
        }
      };
      await Promise.all(writers.map(increment));
      // A conflict may be told of a change that was stored, never the other way round.
      expect(Number(text((await state.records.get('count'))?.value))).toBeGreaterThanOrEqual(stored);
      expect(stored).toBe(20);
    });

    it('lists keys of any characters and lengths, without deleted ones', async () => {
      const { records } = open().state;
      const keys = ['list/a', 'list/é b*>.', `list/${'long/'.repeat(60)}`, 'list/gone'];
      for (const key of keys) await records.create(key, bytes('x'));
      await records.delete('list/gone', (await records.get('list/gone'))!.revision);
      const found = (await records.keys()).filter((key) => key.startsWith('list/'));
      expect(found).toEqual(keys.slice(0, 3).sort());
    });

    it('keeps uploads apart from the rest', async () => {
      const { state } = open();
      await state.uploads.create('apart', bytes('x'));
      expect(await state.records.get('apart')).toBeUndefined();
    });

    const same = (name: string) => ({ name, size: 4, crc32: crc32('same') });

    it('keeps parts, each under a name of its own, until their owner is deleted', async () => {
      const { state, other } = open();
      const [one, two] = [state.parts.newOwner(), other.parts.newOwner()];
      const names: string[] = [];
      for (const owner of [one, one, two])
        names.push(`${owner}/${await state.parts.put(owner, bytes('same'))}`);
      expect(new Set(names).size).toBe(3);
      for (const name of names) expect(text(await other.parts.get(same(name)))).toBe('same');
      await state.parts.seal(one, { digest: `sha256:${'a'.repeat(64)}`, sizeBytes: 8, parts: 2 });
      await state.parts.delete(one);
      await state.parts.delete(one);
      for (const name of names.slice(0, 2)) await expect(state.parts.get(same(name))).rejects.toThrow();
      expect(text(await other.parts.get(same(names[2]!)))).toBe('same');
    });

    it('sweeps away what nobody asks to keep', async () => {
      const { parts } = open().state;
      const [owner, neighbour] = [parts.newOwner(), parts.newOwner()];
      const stays = await parts.put(owner, bytes('same'));
      const theirs = await parts.put(neighbour, bytes('same'));
      const goes = await parts.put(owner, bytes('same'));
      await parts.sweep(owner, new Set([stays]));
      await expect(parts.get(same(`${owner}/${goes}`))).rejects.toThrow();
      expect(text(await parts.get(same(`${owner}/${stays}`)))).toBe('same');
      expect(text(await parts.get(same(`${neighbour}/${theirs}`)))).toBe('same');
      await parts.sweep(parts.newOwner(), new Set());
    });

    it('refuses a part that is not what it was', async () => {
      const { parts } = open().state;
      const owner = parts.newOwner();
      const name = `${owner}/${await parts.put(owner, bytes('same'))}`;
      for (const changed of [{ size: 5 }, { crc32: 1 }])
        await expect(parts.get({ ...same(name), ...changed })).rejects.toMatchObject({
          code: 'digest-mismatch',
        });
    });

    it('keeps empty and binary parts', async () => {
      const { parts } = open().state;
      for (const length of [0, 300_000, parts.bytesMax]) {
        const content = Uint8Array.from({ length }, (_, i) => i % 251);
        const owner = parts.newOwner();
        const name = `${owner}/${await parts.put(owner, content)}`;
        const found = await parts.get({ name, size: length, crc32: crc32(content) });
        expect(Buffer.compare(found, content)).toBe(0);
      }
    });
  });
}
