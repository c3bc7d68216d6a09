export { freePort } from './free-port';
export { startNats } from './nats';
export type { NatsOptions, TestNats } from './nats';
export { startPostgres } from './postgres';
export type { TestPostgres } from './postgres';
export { waitFor } from './wait-for';
export { skipUnless } from './skip';
export type { MaybeSkipped } from './skip';
