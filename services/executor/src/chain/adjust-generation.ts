import type { DesiredKf } from '@l3af/contracts';
import { type HookTarget, type KfMap, openKfMap, setEnabled, writeMetadata } from '@l3af/kernel';
import { mapWrites, type MapWrite, zeroedBytes } from './adjust';
import { artifactOf, type ExecuteContext } from './execute';
import { writeApplied } from './observe';
import type { Action } from './plan';

type Adjust = Extract<Action, { type: 'adjust' }>;

/**
 * Changes a live generation in place: map configuration first, then the switches, then the record of it.
 * All or nothing: a write that the kernel refuses takes back those before it.
 */
export function adjustGeneration(action: Adjust, context: ExecuteContext): void {
  const { target } = context;
  const undo: (() => void)[] = [];
  try {
    action.to.kfs.forEach((to, index) => {
      const from = action.from.kfs[index];
      if (from) configure({ action, context, undo }, from, to);
    });
    action.to.kfs.forEach((to, index) => {
      const from = action.from.kfs[index];
      if (!from || from.enabled === to.enabled) return;
      setEnabled(target, action.generation, { kf: to.name, enabled: to.enabled });
      undo.push(() => setEnabled(target, action.generation, { kf: to.name, enabled: from.enabled }));
    });
    writeMetadata(target, action.generation, writeApplied(action.to));
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

interface Adjusting {
  action: Adjust;
  context: ExecuteContext;
  undo: (() => void)[];
}

function configure({ action, context, undo }: Adjusting, from: DesiredKf, to: DesiredKf): void {
  if (JSON.stringify(from.config) === JSON.stringify(to.config)) return;
  const { schema } = artifactOf(context, to);
  for (const write of mapWrites(schema, from.config, to.config)) {
    const zeroes = write.value === null ? zeroedBytes(schema, write.map) : undefined;
    const value = zeroes === undefined ? write.value : new Uint8Array(zeroes);
    undo.push(writeEntry(context.target, action.generation, { kf: to.name, write: { ...write, value } }));
  }
}

/** Writes one entry and returns what puts back the entry that was there. */
function writeEntry(target: HookTarget, generation: number, at: { kf: string; write: MapWrite }): () => void {
  const { kf, write } = at;
  const open = (): KfMap => openKfMap(target, generation, { kf, map: write.map });
  const before = withMap(open, (map) => {
    const old = map.lookup(write.key);
    set(map, write.key, write.value);
    return old;
  });
  return () => withMap(open, (map) => set(map, write.key, before ?? null));
}

function set(map: KfMap, key: Uint8Array, value: Uint8Array | null): void {
  if (value) map.update(key, value);
  else map.delete(key);
}

function withMap<T>(open: () => KfMap, use: (map: KfMap) => T): T {
  const map = open();
  try {
    return use(map);
  } finally {
    map.close();
  }
}
