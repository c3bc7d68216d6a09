/** One server-sent event. */
export interface ServerEvent {
  id?: string;
  event: string;
  data: string;
}

/** Reads the `text/event-stream` format: events as they come, comments and `retry` left out. */
export async function* parseServerEvents(body: AsyncIterable<Uint8Array>): AsyncIterable<ServerEvent> {
  const decoder = new TextDecoder();
  let buffered = '';
  for await (const chunk of body) {
    buffered += decoder.decode(chunk, { stream: true });
    // A CR at the end may be half of a CRLF: wait for what follows.
    const held = buffered.endsWith('\r') ? '\r' : '';
    const blocks = (held ? buffered.slice(0, -1) : buffered).replace(/\r\n?/g, '\n').split('\n\n');
    buffered = blocks.pop()! + held;
    for (const block of blocks) {
      const event = parseBlock(block);
      if (event) yield event;
    }
  }
}

function parseBlock(block: string): ServerEvent | undefined {
  const data: string[] = [];
  const event: ServerEvent = { event: 'message', data: '' };
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event.event = value;
    else if (field === 'id') event.id = value;
  }
  return data.length > 0 ? { ...event, data: data.join('\n') } : undefined;
}
