import type { ChainEvent, ChainKey, DesiredKf } from '@l3af/contracts';
import { chainEventSchema } from '@l3af/contracts';
import fc from 'fast-check';
import { chainLengthMax, decide, evolve, initialChain, type Chain, type ChainCommand } from './chain';

const key: ChainKey = { node: 'demo-1', interface: 'l3af0', hook: 'xdp' };
const kf = (name: string, change: Partial<DesiredKf> = {}): DesiredKf => ({
  ...{ name, package: 'firewall', version: '1.0.0', digest: `sha256:${'a'.repeat(64)}`, program: 'firewall' },
  ...{ enabled: true, proceedOn: ['PASS'], config: {}, state: 'keep', ...change },
});
const revised = (revision: number, ...names: string[]): ChainEvent => ({
  type: 'ChainRevised',
  version: 1,
  data: { ...key, revision, change: { kind: 'apply', summary: '' }, kfs: names.map((name) => kf(name)) },
});
const deleted = (revision: number): ChainEvent => ({
  type: 'ChainDeleted',
  version: 1,
  data: { ...key, revision, change: { kind: 'delete', summary: '' } },
});
const given = (...events: ChainEvent[]) => ({
  when: (command: ChainCommand, retry = false) =>
    decide(command, events.reduce(evolve, initialChain), { key, retry }),
});
const names = (events: ChainEvent[]): unknown =>
  events.map(({ type, data }) => [type, data.revision, 'kfs' in data ? data.kfs.map((one) => one.name) : []]);
const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

describe('deciding changes of a chain', () => {
  it('applies a document as the whole truth, with a revision one higher and what changed', () => {
    const [event] = given(revised(3, 'a', 'b')).when({ type: 'apply', kfs: [kf('b'), kf('c')] });
    expect(names([event!])).toEqual([['ChainRevised', 4, ['b', 'c']]]);
    expect(event!.data.change).toEqual({ kind: 'apply', summary: 'added c (firewall@1.0.0); removed a' });
  });

  it('stores nothing when the chain is as asked, whatever the order of configuration keys', () => {
    const before = given(revised(1, 'a'), {
      ...revised(2),
      data: { ...revised(2).data, kfs: [kf('a', { config: { x: 1, y: [2] } })] },
    } as ChainEvent);
    expect(before.when({ type: 'apply', kfs: [kf('a', { config: { y: [2], x: 1 } })] })).toEqual([]);
    expect(before.when({ type: 'enable', instance: 'a' })).toEqual([]);
    expect(before.when({ type: 'move', instance: 'a', to: 1 })).toEqual([]);
  });

  it('keeps how the chain is attached, until a document or a rollback says otherwise', () => {
    const attach = { dispatcher: 'join', priority: 20 } as const;
    const [first] = given(revised(1, 'a')).when({ type: 'apply', kfs: [kf('a')], attach });
    expect(first?.data).toMatchObject({
      revision: 2,
      attach,
      change: { summary: 'to be attached differently' },
    });
    const chain = given(revised(1, 'a'), first!);
    expect(chain.when({ type: 'apply', kfs: [kf('a')], attach: { ...attach } })).toEqual([]);
    expect(chain.when({ type: 'disable', instance: 'a' })[0]?.data).toMatchObject({ attach });
    expect(chain.when({ type: 'clear' })[0]).toMatchObject({ type: 'ChainCleared', data: { attach } });
    const [back] = chain.when({ type: 'rollback', revision: 1, kfs: [kf('b')] });
    expect(back?.data).not.toHaveProperty('attach');
    expect(back?.data.change.summary).toMatch(/; to be attached differently$/);
    expect(chain.when({ type: 'delete' })[0]?.data).not.toHaveProperty('attach');
  });

  it('makes a new revision of the same chain when it is to be tried again', () => {
    const [event] = given(revised(4, 'a')).when({ type: 'apply', kfs: [kf('a')] }, true);
    expect(names([event!])).toEqual([['ChainRevised', 5, ['a']]]);
    expect(event!.data.change).toEqual({ kind: 'apply', summary: 'tried again as it was' });
    expect(names(given(deleted(2)).when({ type: 'delete' }, true))).toEqual([['ChainDeleted', 3, []]]);
    expect(given(deleted(2)).when({ type: 'delete' })).toEqual([]);
  });

  it('rolls back to what a revision had, also when the chain was deleted since', () => {
    const rollback = { type: 'rollback', revision: 2, kfs: [kf('b')] } as const;
    const [event] = given(revised(3, 'a')).when({ ...rollback, kfs: [kf('b')] });
    expect(names([event!])).toEqual([['ChainRevised', 4, ['b']]]);
    expect(event!.data.change).toEqual({
      ...{ kind: 'rollback', summary: 'to revision 2: added b (firewall@1.0.0); removed a' },
    });
    expect(names(given(deleted(3)).when({ ...rollback, kfs: [] }))).toEqual([['ChainCleared', 4, []]]);
    expect(given(revised(3, 'b')).when({ ...rollback, kfs: [kf('b')] })).toEqual([]);
  });

  it.each([
    [undefined, ['a', 'b', 'new']],
    [1, ['new', 'a', 'b']],
    [2, ['a', 'new', 'b']],
    [3, ['a', 'b', 'new']],
  ])('inserts at %p', (at, expected) => {
    const events = given(revised(1, 'a', 'b')).when({ type: 'insert', kf: kf('new'), at });
    expect(names(events)).toEqual([['ChainRevised', 2, expected]]);
  });

  it.each([0, 4, -1, 1.5])('refuses to insert at %p', (at) => {
    const insert = (): unknown => given(revised(1, 'a', 'b')).when({ type: 'insert', kf: kf('new'), at });
    expect(insert).toThrow('Cannot insert KF "new" at position');
    expect(insert).toThrow(code('position-out-of-range'));
  });

  it('begins a chain with its first KF, and begins it again after it was deleted', () => {
    expect(names(given().when({ type: 'insert', kf: kf('a') }))).toEqual([['ChainRevised', 1, ['a']]]);
    const again = given(revised(1, 'a'), deleted(2)).when({ type: 'insert', kf: kf('b') });
    expect(names(again)).toEqual([['ChainRevised', 3, ['b']]]);
  });

  it('removes, moves, switches and configures one KF and leaves the others alone', () => {
    const chain = given(revised(7, 'a', 'b', 'c'));
    expect(names(chain.when({ type: 'remove', instance: 'b' }))).toEqual([['ChainRevised', 8, ['a', 'c']]]);
    expect(names(chain.when({ type: 'move', instance: 'c', to: 1 }))).toEqual([
      ['ChainRevised', 8, ['c', 'a', 'b']],
    ]);
    expect(chain.when({ type: 'disable', instance: 'b' })[0]).toMatchObject({
      data: { kfs: [kf('a'), kf('b', { enabled: false }), kf('c')], change: { summary: 'disabled b' } },
    });
    const configured = chain.when({
      type: 'configure',
      instance: 'b',
      config: { limit: 5 },
      enabled: false,
    });
    expect(configured[0]).toMatchObject({
      data: {
        kfs: [kf('a'), kf('b', { config: { limit: 5 }, enabled: false }), kf('c')],
        change: { kind: 'configure', summary: 'disabled b; configured b' },
      },
    });
  });

  it('keeps the link when the last KF goes, and tells so', () => {
    expect(names(given(revised(1, 'a')).when({ type: 'remove', instance: 'a' }))).toEqual([
      ['ChainCleared', 2, []],
    ]);
    expect(names(given(revised(1, 'a', 'b')).when({ type: 'clear' }))).toEqual([['ChainCleared', 2, []]]);
  });

  it('deletes once', () => {
    expect(names(given(revised(1, 'a')).when({ type: 'delete' }))).toEqual([['ChainDeleted', 2, []]]);
    expect(given(revised(1, 'a'), deleted(2)).when({ type: 'delete' })).toEqual([]);
  });

  it.each<[string, ChainCommand]>([
    ['unknown-chain', { type: 'delete' }],
    ['unknown-chain', { type: 'clear' }],
    ['unknown-chain', { type: 'remove', instance: 'a' }],
  ])('refuses with %s what needs a chain: %j', (expected, command) => {
    expect(() => given().when(command)).toThrow(code(expected));
  });

  it('refuses an unknown instance and names those that there are', () => {
    const remove = (): unknown => given(revised(1, 'a', 'b')).when({ type: 'remove', instance: 'x' });
    expect(remove).toThrow('Cannot find KF "x": the chain has a, b');
    expect(remove).toThrow(code('unknown-instance'));
  });

  it('refuses one name twice and more KFs than a packet can pass', () => {
    expect(() => given().when({ type: 'apply', kfs: [kf('a'), kf('b'), kf('a')] })).toThrow(
      'Cannot change chain "demo-1/l3af0/xdp": two of its KFs would be called "a"',
    );
    const many = (count: number): DesiredKf[] => Array.from({ length: count }, (_, at) => kf(`k${at}`));
    expect(given().when({ type: 'apply', kfs: many(chainLengthMax) })).toHaveLength(1);
    expect(() => given().when({ type: 'apply', kfs: many(chainLengthMax + 1) })).toThrow(
      code('chain-too-long'),
    );
  });
});

describe('any sequence of commands', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const anyKf = fc.tuple(name, fc.boolean()).map(([one, enabled]) => kf(one, { enabled }));
  const at = fc.integer({ min: -1, max: 7 });
  const command: fc.Arbitrary<ChainCommand> = fc.oneof(
    fc.array(anyKf, { maxLength: 5 }).map((kfs) => ({ type: 'apply' as const, kfs })),
    fc.tuple(anyKf, fc.option(at, { nil: undefined })).map(([one, to]) => ({
      type: 'insert' as const,
      kf: one,
      at: to,
    })),
    name.map((instance) => ({ type: 'remove' as const, instance })),
    fc.tuple(name, at).map(([instance, to]) => ({ type: 'move' as const, instance, to })),
    name.map((instance) => ({ type: 'disable' as const, instance })),
    fc.tuple(name, fc.integer()).map(([instance, x]) => ({
      type: 'configure' as const,
      instance,
      config: { x },
    })),
    fc.constantFrom({ type: 'clear' as const }, { type: 'delete' as const }),
  );
  const run = (
    commands: ChainCommand[],
    check: (before: Chain, events: ChainEvent[], command: ChainCommand) => void,
  ): void => {
    let chain = initialChain;
    for (const next of commands) {
      let events: ChainEvent[];
      try {
        events = decide(next, chain, { key });
      } catch (error) {
        expect(error).toMatchObject({ name: 'L3afError' });
        continue;
      }
      check(chain, events, next);
      chain = events.reduce(evolve, chain);
    }
  };

  it('numbers revisions without gaps, keeps names unique, and writes events that the wire accepts', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 30 }), (commands) =>
        run(commands, (before, events) => {
          for (const event of events) {
            expect(event.data.revision).toBe(before.revision + 1);
            expect(() => chainEventSchema.parse(event)).not.toThrow();
            const after = evolve(before, event).kfs.map((one) => one.name);
            expect(new Set(after).size).toBe(after.length);
          }
        }),
      ),
    );
  });

  it('does nothing the second time for every command but insert and remove', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 30 }), (commands) =>
        run(commands, (before, events, asked) => {
          if (['insert', 'remove'].includes(asked.type)) return;
          expect(decide(asked, events.reduce(evolve, before), { key })).toEqual([]);
        }),
      ),
    );
  });

  it('is undone by its opposite: insert and remove, move and move back', () => {
    const chain = fc.uniqueArray(name, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(chain, fc.nat(4), fc.nat(4), (own, from, to) => {
        const before = evolve(initialChain, revised(1, ...own));
        const position = (index: number): number => (index % own.length) + 1;
        const instance = own[position(from) - 1]!;
        const there = decide({ type: 'move', instance, to: position(to) }, before, { key });
        const moved = there.reduce(evolve, before);
        const back = decide({ type: 'move', instance, to: position(from) }, moved, { key });
        expect(back.reduce(evolve, moved).kfs).toEqual(before.kfs);
        const inserted = decide({ type: 'insert', kf: kf('new'), at: position(to) }, before, { key });
        const longer = inserted.reduce(evolve, before);
        const removed = decide({ type: 'remove', instance: 'new' }, longer, { key });
        expect(removed.reduce(evolve, longer).kfs).toEqual(before.kfs);
      }),
    );
  });
});
