import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explanation, liveExplanation } from '../testing/answers';
import { capture } from '../testing/captured';
import { startFixedApi } from '../testing/fixed-api';
import { packetSummary } from './packet-summary';

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

describe('l3af explain --live', () => {
  const live = `${path}/live`;
  const args = ['explain', 'demo-1', 'l3af0', 'xdp', '--live'];
  const end = { reason: 'timeout', packets: 1, incomplete: 2 };

  it('asks for what was asked for, and prints a line of JSON for each packet', async () => {
    const second = { ...liveExplanation, number: 2, future: 'field' };
    const events = [liveExplanation, second].map((data) => ({ event: 'packet', data }));
    await using api = await startFixedApi({ [live]: { events: [...events, { event: 'end', data: end }] } });
    const options = ['--match', 'tcp and port 443', '--count', '2', '--timeout', '1.5', '-o', 'json'];
    const { code, stdout, stderr } = await capture([...args, ...options, '--api', api.url]);
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([liveExplanation, second]);
    expect(stderr).toContain('1 packet matched "tcp and port 443": the time is up (--timeout); of 2 more');
    expect(JSON.parse(api.seen[0]!.body.toString())).toEqual({
      match: 'tcp and port 443',
      count: 2,
      seconds: 1.5,
    });
  });

  it('fails when the node does, when the API goes, and when the expression means nothing', async () => {
    const failure = {
      event: 'error',
      data: { code: 'node-silent', message: 'Cannot ask node "demo-1": silent' },
    };
    await using silent = await startFixedApi({ [live]: { events: [failure] } });
    expect(await capture([...args, '--api', silent.url])).toMatchObject({ code: 1 });
    await using gone = await startFixedApi({ [live]: { events: [] } });
    const { code, stderr } = await capture([...args, '--api', gone.url]);
    expect({ code, said: stderr.includes('the API ended it') }).toEqual({ code: 1, said: true });
    const detail = 'Cannot read match "tpc": "tpc" at position 1: needs a condition';
    await using refusing = await startFixedApi({
      [live]: { json: { code: 'invalid-match', detail }, status: 400 },
    });
    const refused = await capture([...args, '--match', 'tpc', '--api', refusing.url]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('"tpc" at position 1');
  });
});

test.each([
  ['0806' + '00'.repeat(28), 'arp'],
  ['88b5' + '00'.repeat(46), 'ether type 0x88b5'],
  ['0800' + '4500', 'ip, cut'],
  [
    '86dd' + '60000000000806ff20010db8000000000000000000000001ff020000000000000000000000000016' + '01bb0050',
    'tcp [2001:db8::1]:443 → [ff02::16]:80',
  ],
  [
    '86dd' + '6000000000083aff20010db8000000000000000000000001ff020000000000000000000000000016',
    'icmp6 [2001:db8::1] → [ff02::16]',
  ],
  [
    '88a80064' + '81000fff' + '0800' + '46000020000020003f06000001020304050607080000000001bb0050',
    'vlan 100 vlan 4095 tcp 1.2.3.4:443 → 5.6.7.8:80',
  ],
  ['0800' + '45000020000020013f06000001020304050607080000000001bb0050', 'tcp 1.2.3.4 → 5.6.7.8'],
])('packetSummary() of %s is %s', (hex, summary) => {
  expect(packetSummary(Buffer.from(`${'02'.repeat(12)}${hex}`, 'hex'))).toBe(summary);
});
