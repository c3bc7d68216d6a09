import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explanation } from '../testing/answers';
import { capture } from '../testing/captured';
import { startFixedApi } from '../testing/fixed-api';

const path = 'POST /v1/nodes/demo-1/chains/l3af0/xdp/explain';
const packet = '0102030405060708090a0b0c0800' + '45'.repeat(20);

async function explain(source: string, stdin: string | Uint8Array = '') {
  await using api = await startFixedApi({ [path]: { json: explanation } });
  const args = ['explain', 'demo-1', 'l3af0', 'xdp', '--packet', source, '-o', 'json', '--api', api.url];
  const result = await capture(args, { stdin });
  return { ...result, sent: api.seen.map(({ body }) => JSON.parse(body.toString()) as unknown) };
}

/** One Ethernet packet, big-endian as s390x writes it. */
function captureFile(bytes: Buffer, wireBytes = bytes.length): Buffer {
  const fields = [0xa1b2c3d4, 0x00020004, 0, 0, 65_535, 1, 0, 0, bytes.length, wireBytes];
  const head = Buffer.alloc(fields.length * 4);
  fields.forEach((value, at) => head.writeUInt32BE(value, at * 4));
  return Buffer.concat([head, bytes]);
}

describe('l3af explain', () => {
  it.each([[packet], [packet.toUpperCase()], [`0x${packet}`], [packet.replace(/(..)(?=.)/g, '$1:')]])(
    'sends %s as hex',
    async (source) => {
      const { code, sent, stdout } = await explain(source);
      expect(code).toBe(0);
      expect(sent).toEqual([{ packet }]);
      expect(JSON.parse(stdout)).toEqual(explanation);
    },
  );

  it('takes a packet from a capture file, and from one on stdin', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'l3af-cli-'));
    const file = join(folder, 'at:noon.pcap');
    const bytes = captureFile(Buffer.from(packet, 'hex'));
    writeFileSync(file, bytes);
    expect((await explain(`pcap:${file}:1`)).sent).toEqual([{ packet }]);
    expect((await explain('pcap:1', bytes)).sent).toEqual([{ packet }]);
    const missing = await explain(`pcap:${file}:2`);
    expect(missing).toMatchObject({ code: 1, sent: [] });
    expect(missing.stderr).toContain('it has no packet 2, the last is 1');
    rmSync(folder, { recursive: true });
  });

  it('says when the capture has only the beginning of the packet', async () => {
    const { code, stderr } = await explain('pcap:1', captureFile(Buffer.from(packet, 'hex'), 1500));
    expect(code).toBe(0);
    expect(stderr).toContain('packet 1 of stdin is cut: 34 of 1500 bytes were captured');
  });

  it.each([['xyz'], ['abc'], ['pcap:'], ['pcap:0'], ['pcap:file'], ['']])(
    'calls %j a misuse: 2',
    async (source) => {
      expect(await explain(source)).toMatchObject({ code: 2, stdout: '', sent: [] });
    },
  );

  it('refuses what is shorter than an Ethernet header before it asks anyone', async () => {
    const { code, stderr, sent } = await explain('0102');
    expect({ code, sent }).toEqual({ code: 1, sent: [] });
    expect(stderr).toContain('it has 2 bytes, needs 14 to 16384');
  });
});
