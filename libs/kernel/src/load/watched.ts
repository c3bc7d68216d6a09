import { pinObject } from '../bpf/pin';
import type { KernelMap } from '../bpf/map';
import { gateProgram } from '../trace/gate';
import type { Match } from '../trace/match';
import { parseMatch } from '../trace/match-expression';
import type { RecordPlan } from '../trace/record-code';
import { createWatchMaps } from '../trace/watch-maps';
import type { WatchLoad } from '../trace/watch-types';
import type { GenerationLoad } from '../types';
import type { GenerationContext } from './load';
import type { GenerationPaths } from '../generation/paths';

/** What the programs of a watched generation are made with. */
export interface WatchContext {
  match: Match;
  maps: ReturnType<typeof createWatchMaps>;
}

/** Whether each KF is loaded twice, the second time with what measures around it. */
export const isMeasured = ({ timed, watch }: GenerationLoad): boolean =>
  timed === true || watch !== undefined;

/** Reads the expression and pins what user space reads; the key's map is held by the programs. */
export function createWatch(paths: GenerationPaths, { match, packets }: WatchLoad): WatchContext {
  const parsed = parseMatch(match);
  const maps = createWatchMaps(packets);
  pinObject(maps.ring.fd, paths.watchRing);
  pinObject(maps.control.fd, paths.watchControl);
  return { match: parsed, maps };
}

export function closeWatch(watch: WatchContext | undefined): void {
  const maps: KernelMap[] = watch ? Object.values(watch.maps) : [];
  for (const map of maps) map.close();
}

const descriptors = ({ maps }: WatchContext): RecordPlan['watch'] => ({
  key: maps.key.fd,
  ring: maps.ring.fd,
  control: maps.control.fd,
});

export function recordPlan(context: GenerationContext, watch: WatchContext, index: number): RecordPlan {
  return { hook: context.target.hook, frags: context.frags, index, watch: descriptors(watch) };
}

/** The program in front of a watched chain. */
export function gateOf(context: GenerationContext, watch: WatchContext, laneFrom: number): Buffer {
  const { target, frags, maps } = context;
  return gateProgram({
    hook: target.hook,
    frags,
    match: watch.match,
    programs: maps.programs.fd,
    laneFrom,
    watch: descriptors(watch),
  });
}
