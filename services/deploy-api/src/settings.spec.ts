import { readSettings } from './settings';

test('defaults', () => {
  expect(readSettings({})).toEqual({
    ...{ NATS_URL: 'nats://127.0.0.1:4222', L3AF_LOG_LEVEL: 'info', L3AF_HOST: '127.0.0.1' },
    ...{ L3AF_API_PORT: 8400, L3AF_GRPC_PORT: 8401, L3AF_REGISTRY_URL: 'http://127.0.0.1:8402' },
  });
});

test('every variable that is wrong is named', () => {
  const read = (): unknown => readSettings({ L3AF_API_PORT: '70000', L3AF_REGISTRY_URL: 'no url' });
  expect(read).toThrow(expect.objectContaining({ code: 'invalid-environment' }) as Error);
  expect(read).toThrow(/L3AF_API_PORT: .*; L3AF_REGISTRY_URL: /);
});
