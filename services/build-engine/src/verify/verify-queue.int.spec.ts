import { once } from 'node:events';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  eventStream,
  verifiedPredicate,
  type VerifiedStatement,
  verifyConsumer,
  verifyRequestSubject,
} from '@l3af/contracts';
import { listStatements, readStatement, RegistryClient } from '@l3af/oci';
import { freePort, startNats, waitFor } from '@l3af/testing';
import { archiveOf } from '../testing/archive';
import { buildAll, startEngine, startProcess, type TestEngine } from '../testing/engine';

const source = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int pass(void *c) { return XDP_PASS; }
char l[] SEC("license") = "GPL";
`;

/** Stands for `l3af-verify` of a kernel `7.7.1`: notes that it was run, and answers once nothing holds it. */
const verifier = (folder: string): string => `#!/bin/sh
echo "$1" >> ${folder}/runs
while [ -e ${folder}/hold ]; do sleep 0.05; done
echo '${JSON.stringify(report('7.7.1'))}'
`;

/** Stands for `infra/vm/verify.mjs`, with machines that boot a kernel `9.9`, which breaks down as often as the file says. */
const machine = (folder: string): string => `#!/bin/sh
[ "$1" = --list ] && { echo '[{"version": "9.9", "ready": true}, {"version": "9.8", "ready": false}]'; exit; }
grep -o '"object"' "$2/jobs.json" | wc -l >> ${folder}/boots
[ -s ${folder}/broken ] && { sed -i 1d ${folder}/broken; echo "kernel panic" >&2; exit 1; }
reports=$(grep -o '"object"' "$2/jobs.json" | sed 's/.*/${JSON.stringify(report('9.9.3'))}/' | paste -sd,)
echo "{\\"release\\": \\"9.9.3\\", \\"reports\\": [$reports]}"
`;

function report(kernel: string) {
  const form = { loaded: true, instructions: 3 };
  const programs = [{ program: 'pass', hook: 'xdp', alone: form, chained: form }];
  return { kernel, programs, passed: 2, failed: 0, skipped: 0, ok: true };
}

describe('the queue of packages to verify', () => {
  let engine: TestEngine;
  let client: RegistryClient;
  let folder: string;
  beforeAll(buildAll);
  beforeEach(async () => {
    engine = await startEngine({ nats: await startNats(), registryPort: await freePort() });
    client = new RegistryClient(engine.registry.url);
    folder = engine.settings.workDir;
    await writeFile(join(folder, 'verifier'), verifier(folder), { mode: 0o755 });
    await writeFile(join(folder, 'machine'), machine(folder), { mode: 0o755 });
  });
  afterEach(() => engine.stop());

  const build = async (id: string, name = 'pass'): Promise<string> => {
    await engine.request(id, await engine.archive(await archiveOf({ 'kf.bpf.c': source })), {
      ...{ name, packageVersion: '1' },
    });
    const outcome = await engine.outcome(id);
    expect(outcome).toMatchObject({ type: 'BuildSucceeded' });
    return (outcome.data as { digest: string }).digest;
  };
  const statements = async (digest: string, name = 'pass'): Promise<VerifiedStatement[]> => {
    const what = { name, digest, predicateType: verifiedPredicate };
    const listed = await listStatements(client, what);
    const found = await Promise.all(listed.map((one) => readStatement(client, what, one.digest)));
    expect(found.every((one) => one?.signedBy(engine.publicKey))).toBe(true);
    return found.map((one) => one?.predicate as VerifiedStatement);
  };
  const lines = async (file: string): Promise<string[]> =>
    (await readFile(join(folder, file), 'utf8').catch(() => '')).split('\n').filter(Boolean);
  const settled = async (kernel: string): Promise<boolean> => {
    const manager = await engine.bus.nc.jetstreamManager();
    const { durable } = verifyConsumer(kernel);
    const { num_pending, num_ack_pending } = await manager.consumers.info(eventStream.name, durable);
    return num_pending === 0 && num_ack_pending === 0;
  };

  it('has a kernel say once of each package, and tells those who watch the build', async () => {
    engine.settings.verify = join(folder, 'verifier');
    await engine.worker();
    const digest = await build('first');
    await waitFor(async () => (await statements(digest)).length === 1, 'a statement');
    expect(await statements(digest)).toMatchObject([
      { kernel: '7.7.1', loaded: true, programs: [{ name: 'pass', instructions: 3 }], tests: { passed: 2 } },
    ]);
    const verify = engine.progress('first').filter(({ step }) => step === 'verify');
    expect(verify.map(({ message }) => message)).toEqual([
      'loading it, alone and behind the glue',
      'loaded, 2 packet tests passed, 0 failed',
    ]);
  });

  it('has a machine say once of what several ask at once', async () => {
    await engine.worker();
    const digest = await build('asked');
    const data = { name: 'pass', digest, packageVersion: '1' };
    const request = { type: 'VerificationRequested' as const, version: 1 as const, data };
    for (let count = 0; count < 3; count++) {
      const subject = verifyRequestSubject('pass');
      await engine.bus.store.append({ subject, events: [request], actor: 'ann' });
    }
    Object.assign(engine.settings, { verifyMachine: [join(folder, 'machine')], verifyKernels: ['9.9'] });
    await engine.worker();
    await waitFor(async () => (await statements(digest)).length > 0 && settled('9.9'), 'all to be answered');
    expect(await statements(digest)).toMatchObject([{ kernel: '9.9.3', loaded: true }]);
  });

  it('is left by a killed builder to another', async () => {
    engine.settings.verify = join(folder, 'verifier');
    await writeFile(join(folder, 'hold'), '');
    const builder = startProcess(engine);
    try {
      await build('orphan');
      await waitFor(async () => (await lines('runs')).length === 1, 'the verification to begin');
    } finally {
      builder.kill('SIGKILL');
      await once(builder, 'exit');
    }
    await rm(join(folder, 'hold'));
    const { digest } = await client.resolve('pass', '1');
    expect(await statements(digest)).toEqual([]);
    await engine.worker();
    await waitFor(async () => (await statements(digest)).length === 1, 'a statement');
    expect(await lines('runs')).toHaveLength(2);
  });

  it('asks a kernel that is new about all there is, together, and again apart when its machine breaks down', async () => {
    await engine.worker();
    const digests = [await build('a', 'one'), await build('b', 'two'), await build('c', 'three')];
    await appendFile(join(folder, 'broken'), 'once\n');
    engine.settings.verifyKernels = 'auto';
    engine.settings.verifyMachine = [join(folder, 'machine')];
    await engine.worker();
    for (const [index, name] of ['one', 'two', 'three'].entries()) {
      const digest = digests[index] ?? '';
      await waitFor(async () => (await statements(digest, name)).length === 1, `a statement about ${name}`);
      expect(await statements(digest, name)).toMatchObject([{ kernel: '9.9.3', loaded: true }]);
    }
    expect(await lines('boots')).toEqual(['3', '1', '1', '1']);
  });

  it('says nothing twice', async () => {
    engine.settings.verifyKernels = ['9.9', '4.4'];
    engine.settings.verifyMachine = [join(folder, 'machine')];
    await engine.worker();
    const digest = await build('once');
    await waitFor(async () => (await statements(digest)).length === 1, 'a statement');
    await build('twice');
    const ask = (kernel: string) =>
      engine.bus.store.append({
        subject: verifyRequestSubject('pass'),
        events: [{ type: 'VerificationRequested', version: 1, data: { name: 'pass', digest, kernel } }],
        actor: 'test',
      });
    await ask('4.4');
    await ask('9.9');
    await waitFor(() => settled('9.9'), 'the queue to be empty');
    expect(await lines('boots')).toEqual(['1']);
  });
});
