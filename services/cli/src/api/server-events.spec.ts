import { parseServerEvents, type ServerEvent } from './server-events';

async function parse(...chunks: string[]): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  const body = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
  })();
  for await (const event of parseServerEvents(body)) events.push(event);
  return events;
}

describe('server-sent events', () => {
  test('fields, several data lines, comments and fields without a value', async () => {
    expect(await parse(': hello\n\nid: 7\nevent: A\ndata: one\ndata:two\nretry: 5\n\ndata\n\n')).toEqual([
      { id: '7', event: 'A', data: 'one\ntwo' },
      { event: 'message', data: '' },
    ]);
  });

  test('any cut into chunks, inside a character or a line end, gives the same events', async () => {
    const text = Buffer.from('id: 1\r\ndata: ä\r\n\r\nid: 2\r\ndata: b\r\n\r\n').toString('latin1');
    const whole = await parse(text);
    expect(whole).toEqual([
      { id: '1', event: 'message', data: 'ä' },
      { id: '2', event: 'message', data: 'b' },
    ]);
    for (let cut = 1; cut < text.length; cut++) {
      expect(await parse(text.slice(0, cut), text.slice(cut))).toEqual(whole);
    }
    expect(await parse(...text)).toEqual(whole);
  });

  test('an event that was cut off is not an event', async () => {
    expect(await parse('data: whole\n\ndata: half')).toEqual([{ event: 'message', data: 'whole' }]);
  });
});
