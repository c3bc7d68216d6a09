import { existsSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { Client } from 'pg';
import { startNats, startPostgres, waitFor } from './index';

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
    socket.on('error', () => resolve(false));
  });

test('startNats() gives a server that can be halted, comes back on its port, and leaves nothing', async () => {
  const nats = await startNats();
  expect(await listens(nats.port)).toBe(true);
  await nats.halt();
  expect(await listens(nats.port)).toBe(false);
  await nats.restart();
  expect(await listens(nats.port)).toBe(true);
  await nats.stop();
  expect(await listens(nats.port)).toBe(false);
  expect(existsSync(nats.storeDir)).toBe(false);
}, 120_000);

test('startPostgres() keeps its data over a crash and leaves nothing', async () => {
  const postgres = await startPostgres();
  const query = async (sql: string): Promise<unknown[]> => {
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  await query('create table kept (n int)');
  await query('insert into kept values (7)');
  await postgres.restart();
  expect(await query('select n from kept')).toEqual([{ n: 7 }]);
  await postgres.stop();
  expect(await listens(postgres.port)).toBe(false);
}, 120_000);

test('waitFor() says what it waited for and what it saw', async () => {
  let calls = 0;
  expect(await waitFor(() => ++calls > 2 && calls, 'the third call')).toBe(3);
  const never = waitFor(() => 0, 'something impossible', { timeoutMs: 50 });
  await expect(never).rejects.toThrow('Cannot wait for something impossible any longer: last seen 0');
});
