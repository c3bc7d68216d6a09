export { AppModule, BuildEngine } from './app.module';
export { readSettings } from './settings';
export type { Settings } from './settings';
