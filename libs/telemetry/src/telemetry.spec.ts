import { context, metrics, propagation } from '@opentelemetry/api';
import { maskSecrets } from './logger';
import { prometheusText } from './prometheus';
import { startHealthServer } from './health';
import { startTelemetry } from './telemetry';
import { currentTraceparent, parseTraceparent, withSpan } from './traceparent';

const header = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('traceparent', () => {
  it('continues the trace of the header with a span of its own', async () => {
    const inner = await withSpan({ name: 'work', traceparent: header }, () => currentTraceparent());
    expect(parseTraceparent(inner)?.traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(parseTraceparent(inner)?.spanId).not.toBe('b7ad6b7169203331');
  });

  it('hands one trace on to nested spans across awaits, and starts another outside', async () => {
    const seen = await withSpan({ name: 'outer' }, async () => {
      const outer = currentTraceparent();
      await new Promise((resolve) => setImmediate(resolve));
      return [outer, await withSpan({ name: 'inner' }, () => currentTraceparent())];
    });
    const [outer, inner] = seen.map((text) => parseTraceparent(text));
    expect(inner?.traceId).toBe(outer?.traceId);
    expect(inner?.spanId).not.toBe(outer?.spanId);
    expect(currentTraceparent()).toBeUndefined();
  });

  it.each(['', 'garbage', '00-00000000000000000000000000000000-b7ad6b7169203331-01', `${header}-x`])(
    'starts a new trace for %p',
    (text) => expect(parseTraceparent(text)).toBeUndefined(),
  );
});

describe('prometheusText', () => {
  it('escapes labels', () => {
    const text = prometheusText([
      { name: 'l3af_x', help: 'X', type: 'gauge', samples: [{ labels: { a: 'q"\\\n' }, value: 2 }] },
    ]);
    expect(text).toBe('# HELP l3af_x X\n# TYPE l3af_x gauge\nl3af_x{a="q\\"\\\\\\n"} 2\n');
  });
});

describe('maskSecrets', () => {
  it('hides passwords in URLs and values of secret names', () => {
    expect(
      maskSecrets({ DATABASE_URL: 'postgres://l3af:s3cret@db/l3af', API_TOKEN: 'abc', PORT: 1 }),
    ).toEqual({ DATABASE_URL: 'postgres://l3af:***@db/l3af', API_TOKEN: '***', PORT: 1 });
  });
});

describe('startHealthServer', () => {
  it('is ready when the service is, and shows metrics of the SDK', async () => {
    await using telemetry = await startTelemetry('spec');
    metrics.getMeter('spec').createCounter('l3af_spec_total').add(3, { kind: 'a' });
    let ready = false;
    await using server = await startHealthServer({
      port: 0,
      ready: () => ready,
      metrics: () => telemetry.metrics(),
    });
    const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);
    expect((await get('/livez')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(503);
    ready = true;
    expect((await get('/readyz')).status).toBe(200);
    const text = await (await get('/metrics')).text();
    expect(text).toMatch(/^l3af_spec_total\{kind="a".*\} 3/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect((await get('/else')).status).toBe(404);
  });

  it('is not ready when the check throws, and says why', async () => {
    await using server = await startHealthServer({
      port: 0,
      ready: () => Promise.reject(new Error('no bus')),
    });
    const response = await fetch(`http://127.0.0.1:${server.port}/readyz`);
    expect([response.status, await response.text()]).toEqual([503, 'no bus\n']);
  });
});

describe('startTelemetry with traces asked for', () => {
  // Jest cannot run the OTLP exporter's import(); the console exporter takes the same way through the SDK.
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_TRACES_EXPORTER: 'console' };

  it('exports spans and carries them on, and leaves carrying in place afterwards', async () => {
    const exported: unknown[] = [];
    const printed = jest.spyOn(console, 'dir').mockImplementation((span) => exported.push(span));
    Object.assign(process.env, environment);
    try {
      const telemetry = await startTelemetry('spec');
      const carried = await withSpan({ name: 'recorded-span', traceparent: header }, () => {
        const carrier: Record<string, string> = {};
        propagation.inject(context.active(), carrier);
        return carrier['traceparent'];
      });
      await telemetry.shutdown();
      expect(parseTraceparent(carried)?.traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    } finally {
      for (const name of Object.keys(environment)) delete process.env[name];
      printed.mockRestore();
    }
    expect(exported).toEqual([
      expect.objectContaining({ name: 'recorded-span', traceId: '0af7651916cd43dd8448eb211c80319c' }),
    ]);
    await withSpan({ name: 'after' }, () => expect(currentTraceparent()).toBeDefined());
  });
});
