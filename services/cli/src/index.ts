export { runCli } from './run-cli';
export type { Surroundings } from './surroundings';
