import { posix } from 'node:path';
import type { Manifest, ObjectSchema } from '@l3af/contracts';
import { isSafeFlag, safeFlags } from '../compile/flags';
import type { TreeEntry } from '../source/tree';

/** What is wrong at a place of kf.yaml. */
export interface Finding {
  path: readonly (string | number)[];
  message: string;
}

/** What kf.yaml asks for and this source cannot have: files that are not there, flags that are not safe. */
export function checkManifest(manifest: Manifest, entries: readonly TreeEntry[]): Finding[] {
  const paths = entries.map(({ path }) => path);
  const missing = (path: Finding['path'], given: string | undefined, orFolder = false): Finding[] => {
    if (given === undefined) return [];
    const wanted = posix.normalize(given).replace(/\/$/, '');
    const isThere = paths.includes(wanted) || (orFolder && paths.some((one) => one.startsWith(`${wanted}/`)));
    return isThere ? [] : [{ path, message: `the source has no file ${given}` }];
  };
  const { source, readme, tests = [], userspace = [], flags = [] } = manifest;
  return [
    ...missing(['source'], source),
    ...missing(['readme'], readme),
    ...tests.flatMap((test, index) => missing(['tests', index], test)),
    ...userspace.flatMap((program, index) =>
      missing(['userspace', index, 'source'], program.source, program.language !== 'c'),
    ),
    ...flags.flatMap((flag, index) =>
      isSafeFlag(flag)
        ? []
        : [{ path: ['flags', index], message: `${flag} is not on the list of safe flags (${safeFlags})` }],
    ),
  ];
}

/** Prose for what the object does not have: nobody would ever see it. */
export function uselessProse({ config = {}, metrics = {} }: Manifest, schema: ObjectSchema): Finding[] {
  const maps = schema.maps.map(({ name }) => name);
  const settable = [...maps, ...schema.constants.map(({ name }) => name)];
  const unknown = (key: string, names: readonly string[], known: readonly string[]): Finding[] =>
    names
      .filter((name) => !known.includes(name))
      .map((name) => ({
        path: [key, name],
        message: `the object has no ${key === 'metrics' ? 'map' : 'map or constant'} ${name}, it has ${known.join(', ') || 'none'}`,
      }));
  return [
    ...unknown('config', Object.keys(config), settable),
    ...unknown('metrics', Object.keys(metrics), maps),
  ];
}
