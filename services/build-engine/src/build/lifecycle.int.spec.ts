import { once } from 'node:events';
import { buildConsumer, type BuildSource, buildRequestSubject } from '@l3af/contracts';
import { RegistryClient, verifySignature } from '@l3af/oci';
import { freePort, startNats, waitFor } from '@l3af/testing';
import { archiveOf } from '../testing/archive';
import { holdRequests } from '../testing/hold-requests';
import { buildAll, startEngine, startProcess, type TestEngine } from '../testing/engine';

const source = (name: string): string =>
  `#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nSEC("xdp") int ${name}(void *c) { return XDP_PASS; }\nchar l[] SEC("license") = "GPL";\n`;

describe('builds that are disturbed', () => {
  let engine: TestEngine;
  beforeEach(async () => {
    engine = await startEngine({ nats: await startNats(), registryPort: await freePort() });
  });
  afterEach(() => engine.stop());

  const ask = async (build: string): Promise<void> => {
    const archive: BuildSource = await engine.archive(await archiveOf({ 'kf.bpf.c': source('pass') }));
    await engine.request(build, archive, { name: build, packageVersion: '1' });
  };
  const waitsForRegistry = (build: string): Promise<unknown> =>
    waitFor(
      () => engine.progress(build).some(({ message }) => message.includes('the registry does not answer')),
      'the build to wait for the registry',
    );
  const attempts = async (build: string): Promise<number[]> => {
    const started: number[] = [];
    for await (const { events } of engine.bus.store.read({ subject: `l3af.evt.build.${build}` })) {
      for (const event of events) if (event.type === 'BuildStarted') started.push(event.data.attempt);
    }
    return started;
  };

  it('wait for a registry that is away', async () => {
    await engine.registry.halt();
    await engine.worker();
    await ask('patient');
    await waitsForRegistry('patient');
    await engine.registry.start();
    expect(await engine.outcome('patient')).toMatchObject({ type: 'BuildSucceeded' });
    expect(await attempts('patient')).toEqual([1]);
  });

  it('are taken over from a builder that is stopped', async () => {
    await engine.registry.halt();
    const first = await engine.worker();
    await ask('handed-over');
    await waitsForRegistry('handed-over');
    await first.stop();
    await engine.registry.start();
    await engine.worker();
    expect(await engine.outcome('handed-over')).toMatchObject({ type: 'BuildSucceeded' });
    expect(await attempts('handed-over')).toEqual([1, 2]);
  });

  it('fail when no builder comes to their end', async () => {
    await engine.registry.halt();
    await ask('deadly');
    const isOver = async (): Promise<boolean> =>
      (await engine.bus.store.last('l3af.evt.build.deadly'))?.events.at(-1)?.type === 'BuildFailed';
    for (let begun = 1; !(await isOver()); begun++) {
      expect(begun).toBeLessThanOrEqual(buildConsumer.attemptsMax + 1);
      const builder = await engine.worker();
      await waitFor(
        async () => (await isOver()) || (await attempts('deadly')).length === begun,
        'the build to begin',
      );
      await builder.stop();
    }
    expect(await engine.outcome('deadly')).toMatchObject({
      data: {
        error: { code: 'build-failed', message: expect.stringContaining('no builder came to its end') },
      },
    });
    expect(await attempts('deadly')).toEqual([1, 2, 3, 4]);
  });

  it('are taken over from a builder that is killed', async () => {
    await buildAll();
    await engine.registry.halt();
    const builder = startProcess(engine);
    try {
      await ask('orphan');
      await waitsForRegistry('orphan');
    } finally {
      builder.kill('SIGKILL');
      await once(builder, 'exit');
    }
    await engine.registry.start();
    await engine.worker();
    expect(await engine.outcome('orphan')).toMatchObject({
      type: 'BuildSucceeded',
      data: { name: 'orphan' },
    });
    expect(await attempts('orphan')).toEqual([1, 2]);
    expect((await new RegistryClient(engine.registry.url).resolve('orphan', '1')).digest).toMatch(/^sha256:/);
  });

  it('end when they are cancelled, before or while they run', async () => {
    const cancel = async (build: string): Promise<void> => {
      const event = {
        type: 'BuildCancelled',
        version: 1,
        data: { build, reason: 'no longer wanted' },
      } as const;
      await engine.bus.store.append({ subject: buildRequestSubject(build), events: [event], actor: 'test' });
    };
    await engine.registry.halt();
    await ask('early');
    await cancel('early');
    await engine.worker();
    const cancelled = { type: 'BuildFailed', data: { error: { code: 'build-cancelled' } } };
    expect(await engine.outcome('early')).toMatchObject(cancelled);
    await ask('running');
    await waitsForRegistry('running');
    await cancel('running');
    expect(await engine.outcome('running')).toMatchObject(cancelled);
  });

  it('are cancelled before their version has its name, or not at all', async () => {
    const client = new RegistryClient(engine.registry.url);
    const between = await holdRequests(engine.registry.url);
    try {
      engine.settings.registryUrl = between.url;
      await engine.worker();
      const cancelAt = async (build: string, request: RegExp): Promise<unknown> => {
        const held = between.hold(request);
        await ask(build);
        const release = await held;
        const data = { build, reason: 'no longer wanted' };
        const events = [{ type: 'BuildCancelled', version: 1, data } as const];
        await engine.bus.store.append({ subject: buildRequestSubject(build), events, actor: 'test' });
        if (build !== 'blobs') release();
        return engine.outcome(build);
      };
      const cancelled = { type: 'BuildFailed', data: { error: { code: 'build-cancelled' } } };
      // What the registry does not answer does not hold it up.
      expect(await cancelAt('blobs', /^POST .*blobs/)).toMatchObject(cancelled);
      await expect(client.resolve('blobs', '1')).rejects.toMatchObject({ code: 'unknown-version' });
      expect(await cancelAt('named', /^PUT .*manifests\/1$/)).toMatchObject({ type: 'BuildSucceeded' });
      const { digest } = await client.resolve('named', '1');
      const signer = { name: 'builder', publicKey: engine.publicKey, packages: ['*'] };
      expect(await verifySignature(client, 'named', digest, [signer])).toMatchObject({ name: 'builder' });
      const provenance = (await client.referrers('named', digest)).map(
        ({ annotations }) => annotations?.['dev.sigstore.bundle.predicateType'],
      );
      expect(provenance).toContain('https://slsa.dev/provenance/v1');
    } finally {
      await between.stop();
    }
  });

  it('are shared by builders: each is built once', async () => {
    await Promise.all([engine.worker(), engine.worker()]);
    const builds = Array.from({ length: 6 }, (_, index) => `shared-${index}`);
    for (const build of builds) await ask(build);
    for (const build of builds) {
      expect(await engine.outcome(build)).toMatchObject({ type: 'BuildSucceeded' });
      expect(await attempts(build)).toEqual([1]);
    }
  });
});
