export { startApi } from './start';
export type { RunningApi } from './start';
export { readSettings } from './settings';
export type { Settings } from './settings';
