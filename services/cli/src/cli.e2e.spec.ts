import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  chainHistoryEntrySchema,
  chainViewSchema,
  nodeViewSchema,
  packageVersionViewSchema,
} from '@l3af/contracts';
import { compileBpf } from '@l3af/testing';
import { z } from 'zod';
import { capture } from './testing/captured';
import { root, startDemo, type Demo } from './testing/demo';

jest.setTimeout(30 * 60_000);

const program = (name: string, body: string) => `
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
const volatile __u32 knob = 1;
SEC("xdp") int ${name}(struct xdp_md *ctx) { ${body} }
`;

describe('the CLI against a whole L3AF', () => {
  let demo: Demo;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'l3af-cli-'));
    demo = await startDemo();
  });
  afterAll(async () => {
    await demo?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const hook = 'demo-1 l3af0 xdp';
  // In this process: starting Node for each command would be most of the time that this takes. The README's test uses npx.
  const l3af = (command: string) => capture(command.split(' '), { env: { L3AF_HOME: demo.home }, root });
  const json = async (command: string): Promise<unknown> => {
    const { code, stdout, stderr } = await l3af(`${command} -o json`);
    if (code !== 0) throw new Error(`"l3af ${command}" ended with ${code}\n${stderr}`);
    return JSON.parse(stdout);
  };
  const chain = async (at = hook) => chainViewSchema.parse(await json(`chain show ${at}`));
  const names = async () => (await chain()).desired?.kfs.map(({ name }) => name);
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  test('a folder builds to name, version and digest; the same source to the same digest', async () => {
    const source = write('passes.bpf.c', program('passes', 'return knob ? XDP_PASS : XDP_DROP;'));
    const built = z.strictObject({ name: z.string(), version: z.string(), digest: z.string() });
    const first = built.parse(await json(`kf build ${source}`));
    expect(first).toMatchObject({ name: 'passes', version: expect.stringMatching(/^0\.0\.0-[0-9a-f]{12}$/) });
    expect(await json(`kf build ${source}`)).toEqual(first);
    const shown = packageVersionViewSchema.parse(await json(`kf show passes@${first.version}`));
    expect(shown.schema?.constants.map(({ name }) => name)).toEqual(['knob']);
  });

  test('a git URL builds', async () => {
    const source = program('fetched', 'return XDP_PASS;');
    const repository = join(folder, 'repository');
    const made = await demo.shell(
      `git init -q -b main ${repository}; cd ${repository}; cat > fetched.bpf.c <<'EOF'\n${source}\nEOF\n` +
        'git add .; git -c user.name=t -c user.email=t@example.org commit -qm first',
    );
    expect(made.code).toBe(0);
    expect(await json(`kf build file://${repository}#main`)).toMatchObject({ name: 'fetched' });
  });

  test('a compiled object is published; garbage is refused', async () => {
    const object = compileBpf('SEC("xdp") int ready(void *ctx) { return 2; }');
    const published = await json(`kf publish ${write('ready.o', object)} --version 1.0.0`);
    expect(published).toMatchObject({ name: 'ready', version: '1.0.0' });
    const refused = await l3af(`kf publish ${write('garbage.o', 'garbage')}`);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('Build it with clang');
  });

  test('compiler errors come back with file, line and column', async () => {
    const { code, stderr } = await l3af(
      `kf build ${write('broken.bpf.c', 'int f(void)\n{\n\treturn y;\n}\n')}`,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^broken\.bpf\.c:3:9: error: use of undeclared identifier 'y'$/m);
  });

  test('insert, configure, disable, move and remove change the live chain; history tells it all', async () => {
    const steps = [
      `chain insert ${hook} passes --name first --at 1`,
      `kf config ${hook} first --config ${write('config.json', '{"knob": 7}')}`,
      `kf disable ${hook} first`,
      `chain move ${hook} first --to 2`,
      `kf enable ${hook} first`,
    ];
    for (const step of steps) expect(await l3af(step)).toMatchObject({ code: 0, stdout: '' });
    const view = await chain();
    expect(view.reported).toMatchObject({ state: 'live', revision: view.desired?.revision });
    expect(view.desired?.kfs[1]).toMatchObject({ name: 'first', enabled: true, config: { knob: 7 } });
    expect((await l3af(`chain remove ${hook} first --reason enough`)).code).toBe(0);
    expect(await names()).not.toContain('first');
    const entries = z.array(chainHistoryEntrySchema).parse(await json(`chain history ${hook}`));
    const last = entries.reduce((one, other) => (one.revision > other.revision ? one : other));
    expect(last).toMatchObject({ outcome: 'applied', change: { kind: 'remove', reason: 'enough' } });
  });

  test('what the verifier refuses names the KF, the reason and the whole log; the old chain stays', async () => {
    const before = await chain();
    const body = 'return *(__u8 *)(long)ctx->data ? XDP_PASS : XDP_DROP;';
    // Pushed as it is: a builder would verify it and the API refuse it, before any node saw it.
    const source = `#include <linux/types.h>${program('unchecked', body).replace('#include "vmlinux.h"', '#include <linux/bpf.h>')}char LICENSE[] SEC("license") = "GPL";`;
    const object = write('unchecked.o', compileBpf(source));
    await json(`kf push ${object} --key ${join(demo.home, 'keys/signing.key')}`);
    const { code, stderr } = await l3af(`chain insert ${hook} unchecked`);
    expect(code).toBe(1);
    expect(stderr).toContain('kf:       unchecked\n');
    expect(stderr).toMatch(/verifier: R1 /);
    const digest = /l3af log (sha256:[0-9a-f]{64})/.exec(stderr)?.[1];
    expect((await l3af(`log ${digest!}`)).stdout).toContain('processed ');
    const after = await chain();
    expect(after.reported).toMatchObject({ state: 'rejected', generation: before.reported?.generation });
    expect((await l3af(`chain remove ${hook} unchecked`)).code).toBe(0);
  });

  test.each([
    ['chain insert nowhere l3af0 xdp passes', 'nowhere'],
    ['chain insert demo-1 l3af9 xdp passes', 'l3af9'],
    [`chain insert ${hook} missing`, 'missing'],
    [`chain insert ${hook} passes@9.9.9`, '9.9.9'],
    [`chain insert ${hook} flow-counter`, 'flow-counter'],
    [`chain insert ${hook} passes --at 99`, '99'],
    [`chain remove ${hook} missing`, 'missing'],
    ['chain insert demo-1 l3af0 tc-ingress passes', 'tc-ingress'],
    [`chain clear ${hook} --if-revision 1`, 'revision'],
    ['map dump demo-1 l3af0 xdp flow-counter missing', 'missing'],
  ])('%s is refused with a reason that names %s, and changes nothing', async (command, named) => {
    const before = await json('chain show demo-1');
    const { code, stdout, stderr } = await l3af(command);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(named);
    const revisions = (views: unknown) =>
      z
        .array(chainViewSchema)
        .parse(views)
        .map(({ desired }) => desired?.revision);
    expect(revisions(await json('chain show demo-1'))).toEqual(revisions(before));
  });

  test('a value that does not fit is refused with its path', async () => {
    const config = write('wrong.yaml', 'knob: 4294967296\n');
    const { code, stderr } = await l3af(`chain insert ${hook} passes --config ${config}`);
    expect(code).toBe(1);
    expect(stderr).toContain('config.knob');
  });

  test('documents for both directions of TC apply, are cleared, and are deleted', async () => {
    expect(await json('apply -f docs/examples/both-directions.yaml')).toMatchObject([
      { hook: 'tc-ingress', changed: true, outcome: { state: 'live' } },
      { hook: 'tc-egress', changed: true, outcome: { state: 'live' } },
    ]);
    // The same again changes nothing, and is done.
    expect(await json('apply -f docs/examples/both-directions.yaml')).toMatchObject([
      { changed: false },
      { changed: false },
    ]);
    const ingress = 'demo-1 l3af0 tc-ingress';
    expect((await l3af(`chain clear ${ingress}`)).code).toBe(0);
    expect(await chain(ingress)).toMatchObject({ desired: { kfs: [] }, reported: { state: 'live' } });
    expect((await l3af(`chain delete ${ingress}`)).code).toBe(0);
    expect((await l3af('chain delete demo-1 l3af0 tc-egress')).code).toBe(0);
    expect(z.array(chainViewSchema).parse(await json('chain show demo-1'))).toHaveLength(1);
  });

  test('nodes, events, packages and status answer as JSON; --api finds the API from anywhere', async () => {
    const nodes = z.array(nodeViewSchema).parse(await json('nodes'));
    expect(nodes).toMatchObject([{ name: 'demo-1', state: 'ready' }]);
    const events = z.array(z.object({ sequence: z.number() })).parse(await json('events'));
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_event, index) => index + 1));
    expect(await json('events --last 2')).toHaveLength(2);
    const packages = z.array(z.object({ name: z.string() })).parse(await json('kf list'));
    expect(packages.map(({ name }) => name)).toEqual(expect.arrayContaining(['firewall', 'passes', 'ready']));
    const { api } = z.object({ api: z.string() }).parse(await json('status'));
    const elsewhere = await demo.shell(`L3AF_HOME=/nonexistent npx l3af nodes -o json --api ${api}`);
    expect(JSON.parse(elsewhere.stdout)).toHaveLength(1);
  });
});
