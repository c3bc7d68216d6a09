import type { BuildView, L3afEvent } from '@l3af/contracts';

export interface Heard {
  at: string;
  actor: string;
}

const finals = new Set<BuildView['state']>(['succeeded', 'failed', 'cancelled']);

/** The build after an event; undefined for events that say nothing about a known build. */
export function evolveBuild(
  build: BuildView | undefined,
  event: L3afEvent,
  heard: Heard,
): BuildView | undefined {
  if (event.type === 'BuildRequested') return build ?? requested(event.data, heard);
  if (!build) return undefined;
  // What its builder says of a cancelled build is told, too: its log, or that it was published already.
  if (isSettled(build, event)) return build;
  switch (event.type) {
    case 'BuildCancelled':
      return { ...build, state: 'cancelled' };
    case 'BuildStarted':
      return { ...build, state: 'running', builder: event.data.builder };
    case 'BuildSucceeded': {
      const { name, packageVersion, digest, durationMs, diagnostics, log = null } = event.data;
      return {
        ...build,
        state: 'succeeded',
        name,
        version: packageVersion,
        digest,
        durationMs,
        diagnostics,
        log,
      };
    }
    case 'BuildFailed': {
      const { error, diagnostics, log = null } = event.data;
      return { ...build, state: failedState(build, error.code), error, diagnostics, log };
    }
    default:
      throw new Error(`Cannot project event "${event.type}": it says nothing about a build`);
  }
}

/** Whether the event changes nothing any more. */
function isSettled({ state, error, digest }: BuildView, { type }: L3afEvent): boolean {
  if (state !== 'cancelled') return finals.has(state);
  const isOutcome = type === 'BuildSucceeded' || type === 'BuildFailed';
  return !isOutcome || error !== null || digest !== null;
}

const failedState = ({ state }: BuildView, code: string): BuildView['state'] =>
  state === 'cancelled' || code === 'build-cancelled' ? 'cancelled' : 'failed';

type Requested = Extract<L3afEvent, { type: 'BuildRequested' }>['data'];

function requested(data: Requested, { at, actor }: Heard): BuildView {
  return {
    id: data.build,
    state: 'queued',
    requestedAt: at,
    requestedBy: actor,
    builder: null,
    name: data.name ?? null,
    version: data.packageVersion ?? null,
    digest: null,
    error: null,
    diagnostics: [],
    log: null,
    durationMs: null,
  };
}
