import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findApi } from './address';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'l3af-cli-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const running = (home: string, api: string) => {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'endpoints.json'), JSON.stringify({ api }));
};

describe('where the API is', () => {
  test('the option, then L3AF_API, then L3AF_HOME, then the clone, then the default port', () => {
    const home = join(root, 'home');
    running(home, 'http://127.0.0.1:3');
    running(join(root, '.l3af'), 'http://127.0.0.1:4/');
    const env = { L3AF_API: 'http://127.0.0.1:2', L3AF_HOME: home };
    expect(findApi('http://127.0.0.1:1', env, root)).toBe('http://127.0.0.1:1');
    expect(findApi(undefined, env, root)).toBe('http://127.0.0.1:2');
    expect(findApi(undefined, { L3AF_HOME: home }, root)).toBe('http://127.0.0.1:3');
    expect(findApi(undefined, {}, root)).toBe('http://127.0.0.1:4');
    expect(findApi(undefined, { L3AF_HOME: join(root, 'other') }, root)).toBe('http://127.0.0.1:8400');
  });

  test('an address that is none, and a file that names none, are refused', () => {
    expect(() => findApi('127.0.0.1:8400', {}, root)).toThrow(/needs http:\/\/HOST:PORT/);
    writeFileSync(join(root, 'endpoints.json'), '{"grpc": "x"}');
    expect(() => findApi(undefined, { L3AF_HOME: root }, root)).toThrow(/it names no API/);
  });
});
