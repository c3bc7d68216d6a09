// `npm run down [-- --reset]`: ends what `npm run up` started and leaves no process, namespace or pin. State is kept.
import { existsSync } from 'node:fs';
import { openHome, root } from './up/home.mjs';
import { parseOptions } from './up/options.mjs';
import { forget, stop } from './up/stop.mjs';

const options = parseOptions(process.argv.slice(2), ['reset']);
if (process.getuid?.() !== 0) {
  console.error('Cannot stop L3AF: not root');
  process.exit(1);
}
if (!existsSync(process.env.L3AF_HOME || `${root}/.l3af`)) {
  console.error('nothing is running, and there is no state');
} else {
  const home = openHome();
  const count = await stop(home);
  if (options.reset) forget(home);
  const state = options.reset ? 'its state is forgotten' : 'its state is kept for the next start';
  console.error(count > 0 ? `stopped ${count} processes; ${state}` : `nothing was running; ${state}`);
}
