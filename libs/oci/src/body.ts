import { cannot, L3afError } from '@l3af/contracts';

/** Reads a response's body; throws `payload-too-large` as soon as it is over the bound, without reading on. */
export async function readBounded(response: Response, bytesMax: number): Promise<Uint8Array> {
  const declared = Number(response.headers.get('content-length') ?? 0);
  const refuse = () =>
    new L3afError(
      'payload-too-large',
      cannot('read', 'response', response.url, `it is over ${bytesMax} bytes`),
    );
  if (declared > bytesMax) {
    await response.body?.cancel();
    throw refuse();
  }
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of response.body ?? []) {
    total += chunk.length;
    if (total > bytesMax) throw refuse();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
