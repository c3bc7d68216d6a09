// A port that somebody else holds is told by name before anything is started.
import { createServer } from 'node:net';
import { run } from '../setup/run.mjs';
import { portList } from './home.mjs';
import { isMarked } from './processes.mjs';

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The pid and name of what listens on a port, as far as the kernel tells us. */
function ownerOf(port) {
  try {
    const found = /users:\(\("([^"]+)",pid=(\d+)/.exec(run('ss', ['-Hltnp', `sport = :${port}`]));
    return found ? { name: found[1], pid: Number(found[2]) } : undefined;
  } catch {
    return undefined;
  }
}

/** Throws when a port from the base is held by a process of somebody else than this instance. */
export async function checkPorts(portBase, instance) {
  if (!Number.isInteger(portBase) || portBase < 1024 || portBase > 65_000) {
    throw new Error(`Cannot use port base "${portBase}": needs a number from 1024 to 65000 (--port-base)`);
  }
  for (const [name, port] of portList(portBase)) {
    if (await isFree(port)) continue;
    const owner = ownerOf(port);
    if (owner && isMarked(owner.pid, instance)) continue;
    if (!owner && (await isFree(port))) continue; // it has just been let go
    const by = owner ? `"${owner.name}" (pid ${owner.pid})` : 'another process';
    throw new Error(
      `Cannot listen on port ${port} (${name}): it is taken by ${by}\nEnd that, or choose other ports: npm run up -- --port-base ${portBase + 100}`,
    );
  }
}
