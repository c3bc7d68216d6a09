import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deriveSchema } from '@l3af/bpf-object';
import { bundledHeaders } from '../sandbox/bundled-headers';
import { compile } from './compile';

const root = join(__dirname, '../../../../bpf');
const headers = bundledHeaders(undefined);

async function object(
  from: string,
  source: string,
  architecture: 'amd64' | 's390x' = 'amd64',
): Promise<Uint8Array> {
  const parent = mkdtempSync(join(tmpdir(), `l3af-${Math.random().toString(36).slice(2)}-`));
  const folder = join(parent, 'deep', 'er');
  try {
    cpSync(from, folder, { recursive: true });
    const cpu = JSON.parse(
      /^\/\/ corpus: (.*)$/m.exec(readFileSync(join(from, source), 'utf8'))?.[1] ?? '{}',
    ) as { cpu?: string; flags?: string[] };
    const flags = cpu.flags ?? [];
    const compiled = await compile({
      folder,
      source,
      flags,
      target: { architecture, cpu: cpu.cpu ?? 'v2' },
      headers,
      workDir: parent,
    });
    return compiled.object;
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('compiling', () => {
  it.each(['firewall', 'ratelimiting', 'flow-counter'])(
    '%s gives the same object in two folders at two times',
    async (name) => {
      const first = await object(join(root, name), `${name}.bpf.c`);
      const second = await object(join(root, name), `${name}.bpf.c`);
      expect(sha256(second)).toBe(sha256(first));
      expect(Buffer.from(first).includes(tmpdir())).toBe(false);
      expect(Buffer.from(first).includes('.debug_info')).toBe(false);
      expect(deriveSchema(first).maps.every(({ type, key }) => type === 'ringbuf' || key !== undefined)).toBe(
        true,
      );
    },
  );

  it('works for a big-endian target, with the same schema', async () => {
    const little = await object(join(root, 'firewall'), 'firewall.bpf.c');
    const big = await object(join(root, 'firewall'), 'firewall.bpf.c', 's390x');
    expect(deriveSchema(big)).toEqual(deriveSchema(little));
    expect(big[5]).toBe(2);
  });

  const corpus = readdirSync(join(root, 'corpus')).filter((name) => name.endsWith('.bpf.c'));
  it('works for every object of the corpus, and each can be inspected', async () => {
    for (const source of corpus) {
      // Without debug information there is no BTF: nothing that the builder makes.
      if (readFileSync(join(root, 'corpus', source), 'utf8').includes('"-g0"')) continue;
      const schema = deriveSchema(await object(join(root, 'corpus'), source));
      expect([source, schema.programs.length > 0]).toEqual([source, true]);
    }
  });
});
