// `npm run up [-- --detach] [--json] [--reset] [--port-base N] [--verify-kernels auto|off|all|VERSION,…]`: installs what is missing,
// starts everything, shows it.
// In the foreground it stays until Ctrl-C and then stops everything; detached, `npm run down` does.
import { existsSync, readFileSync } from 'node:fs';
import { setup } from './setup.mjs';
import { openHome } from './up/home.mjs';
import { parseOptions } from './up/options.mjs';

const started = performance.now();
const options = parseOptions(process.argv.slice(2), [
  'detach',
  'json',
  'reset',
  'port-base',
  'verify-kernels',
]);
const say = (line) =>
  console.error(`${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${line}`);

function fail(error) {
  const causes = [];
  for (let cause = error; cause; cause = cause.cause) causes.push(cause.message ?? String(cause));
  console.error(causes.join('\n'));
  if (error.keepsRunning) console.error('What was started goes on running; npm run down ends it.');
  process.exit(1);
}

const untilInterrupted = () =>
  new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => resolve(name));
  });

async function bringUp(home) {
  // Not before the set-up: these lean on npm packages.
  const { start } = await import('./up/start.mjs');
  const { ensureDemo, readChainWithPackets } = await import('./up/demo.mjs');
  const { summarise } = await import('./up/summary.mjs');
  const { missing } = await start(home, {
    portBase: options.portBase,
    verifyKernels: options['verify-kernels'],
    say,
  });
  const { api } = JSON.parse(readFileSync(home.endpoints, 'utf8'));
  const view = await ensureDemo(api, say).catch((error) => {
    throw Object.assign(error, { keepsRunning: true });
  });
  if (options.json) {
    process.stdout.write(readFileSync(home.endpoints));
    return;
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(summarise(home, (await readChainWithPackets(api)) ?? view, seconds));
  if (missing)
    console.log(
      missing.length
        ? `It was running; started again: ${missing.join(', ')}`
        : 'It was running already; nothing was missing.',
    );
}

/** Looks after the supervisor until a signal comes. */
async function stay(home, interrupted) {
  const { ensureSupervisor, hasSupervisor } = await import('./up/start.mjs');
  console.error(
    options.json ? 'Ctrl-C stops everything' : 'Ctrl-C stops everything; state is kept for the next start.',
  );
  const timer = setInterval(() => {
    if (!existsSync(home.endpoints)) process.exit(0); // `npm run down` from elsewhere
    if (!hasSupervisor(home)) ensureSupervisor(home).catch((error) => console.error(error.message));
  }, 1000);
  await interrupted;
  clearInterval(timer);
}

async function main() {
  if (process.getuid?.() !== 0)
    throw new Error(
      'Cannot start L3AF: not root (it loads programs into the kernel and makes network namespaces)',
    );
  setup({ say });
  const { forget, stop } = await import('./up/stop.mjs');
  let home = openHome();
  if (options.reset) {
    await stop(home);
    forget(home);
    say('the state is forgotten');
    home = openHome();
  }
  if (options.detach) return bringUp(home);
  const interrupted = untilInterrupted();
  const first = await Promise.race([bringUp(home).then(() => 'up'), interrupted]);
  if (first === 'up') await stay(home, interrupted);
  console.error('\nstopping');
  const count = await stop(home);
  console.error(`stopped ${count} processes; state is kept, npm run up starts it again`);
  process.exit(0);
}

await main().catch(fail);
