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
  // A builder may report what it was doing when the build was cancelled, or finished by another.
  if (finals.has(build.state)) return build;
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
      const state = error.code === 'build-cancelled' ? 'cancelled' : 'failed';
      return { ...build, state, error, diagnostics, log };
    }
    default:
      throw new Error(`Cannot project event "${event.type}": it says nothing about a build`);
  }
}

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
