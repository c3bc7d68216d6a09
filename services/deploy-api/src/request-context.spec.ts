import { readContext } from './request-context';

const read = (headers: Record<string, string>) => readContext((name) => headers[name]);

test('without headers: anonymous, a new id, no reason', () => {
  const context = read({});
  expect(context).toEqual({ actor: 'anonymous', correlationId: expect.any(String) as unknown });
  expect(read({}).correlationId).not.toBe(context.correlationId);
});

test('people and reasons in any script, percent-encoded or not', () => {
  expect(read({ 'x-l3af-actor': 'J%C3%BCrgen', 'x-l3af-reason': '100% sure' })).toMatchObject({
    actor: 'Jürgen',
    reason: '100% sure',
  });
  expect(read({ 'x-l3af-actor': '  ', 'x-l3af-reason': '' })).not.toHaveProperty('reason');
});

test('the correlation id of the caller, when it is one word', () => {
  expect(read({ 'x-correlation-id': 'c-1' }).correlationId).toBe('c-1');
  expect(read({ 'x-correlation-id': 'two words' }).correlationId).not.toBe('two words');
  expect(read({ 'x-correlation-id': 'x'.repeat(129) }).correlationId).toHaveLength(36);
});

test('what is too long for the history is refused', () => {
  expect(() => read({ 'x-l3af-actor': 'x'.repeat(201) })).toThrow('200 characters or fewer');
  expect(() => read({ 'x-l3af-reason': 'x'.repeat(1001) })).toThrow('1000 characters or fewer');
});
