export { readSettings } from './settings';
export type { Settings } from './settings';
export { startRegistry } from './start-registry';
export type { RunningRegistry } from './start-registry';
