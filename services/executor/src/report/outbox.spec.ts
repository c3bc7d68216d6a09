import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Outbox, type PendingReport } from './outbox';

const report = (id: string): PendingReport => ({
  id,
  subject: 'l3af.evt.report.n.eth0.xdp',
  event: {
    type: 'ChainDetached',
    version: 1,
    data: { node: 'n', interface: 'eth0', hook: 'xdp', revision: 1, sequence: 1 },
  },
});

describe('Outbox', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'l3af-outbox-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('gives reports back in the order they were made, across restarts', () => {
    const first = new Outbox(folder);
    first.add(report('a'));
    first.add(report('b'));
    const second = new Outbox(folder);
    second.add(report('c'));
    const seen: string[] = [];
    for (let next = second.oldest(); next; next = second.oldest()) {
      seen.push(next.report.id);
      next.remove();
    }
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it('keeps a report until it is removed', () => {
    const outbox = new Outbox(folder);
    outbox.add(report('a'));
    expect(outbox.oldest()?.report.id).toBe('a');
    expect(new Outbox(folder).oldest()?.report.id).toBe('a');
  });

  it('sets a damaged file aside and goes on', () => {
    const outbox = new Outbox(folder);
    writeFileSync(join(folder, '000000000000.json'), '{"id":');
    outbox.add(report('a'));
    expect(outbox.oldest()?.report.id).toBe('a');
    expect(readdirSync(folder)).toContain('000000000000.json.damaged');
  });
});
