import { dirname } from 'node:path';
import { cannot, decodeToken, L3afError } from '@l3af/contracts';
import { detachHook } from '../attach/attached';
import { removeJoined } from '../attach/dispatcher/joined';
import { release } from '../attach/held-events';
import { listFolder, removeEmptyFolder, removeFolder, unpin } from '../bpf/pin';
import type { HookTarget } from '../types';
import { completeGenerations, generationNumbers, liveGeneration } from '../generation/live';
import {
  generationPaths,
  hookFolder,
  l3afRoot,
  sharedMapPath,
  sharedMapsFolder,
  type HookKey,
} from '../generation/paths';
import { listHooks } from '../generation/hooks';

/** Unpins a generation that is not live. What it shares with another generation stays there. */
export function removeGeneration(target: HookTarget, generation: number): void {
  if (liveGeneration(target)?.generation === generation) {
    throw new L3afError('conflict', cannot('remove', 'generation', String(generation), 'it is live'));
  }
  const { folder } = generationPaths(target, generation);
  release(folder);
  removeFolder(folder);
  removeUnusedSharedMaps(target);
}

/** Takes our program off the hook, then removes every generation. Others' programs stay. */
export function detach(target: HookTarget): void {
  detachHook(target, completeGenerations(target));
  removePins(target);
}

/** Removes the pins of a hook whose program is off it. */
export function removePins(key: HookKey): void {
  removeJoined(key);
  release(hookFolder(key));
  for (const number of generationNumbers(key)) removeFolder(generationPaths(key, number).folder);
  const folder = hookFolder(key);
  for (const { name, folder: isFolder } of listFolder(folder)) if (!isFolder) unpin(`${folder}/${name}`);
  removeUnusedSharedMaps(key);
  removeEmptyFolders(folder);
}

/** Removes a folder and those above it while they are empty, the root of all instances with the last of them. */
export function removeEmptyFolders(folder: string): void {
  let current = folder;
  while (current === l3afRoot || current.startsWith(`${l3afRoot}/`)) {
    removeEmptyFolder(current);
    current = dirname(current);
  }
}

/** Maps pinned by name live as long as a generation of the node uses them. */
function removeUnusedSharedMaps(key: HookKey): void {
  const pinned = listFolder(sharedMapsFolder(key));
  if (pinned.length === 0) return;
  const used = new Set<string>();
  for (const hook of listHooks(key.instance)) {
    if (hook.node !== key.node) continue;
    for (const { record } of completeGenerations({ instance: key.instance, ...hook })) {
      record.kfs.forEach((kf) => kf.maps.forEach((map) => map.shared && used.add(map.name)));
    }
  }
  for (const { name } of pinned)
    if (!used.has(decodeToken(name))) unpin(sharedMapPath(key, decodeToken(name)));
  removeEmptyFolder(sharedMapsFolder(key));
}
