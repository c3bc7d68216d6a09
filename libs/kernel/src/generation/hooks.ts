import { decodeToken, hookSchema, type Hook } from '@l3af/contracts';
import { join } from 'node:path';
import { listFolder } from '../bpf/pin';
import { instanceFolder } from './paths';

/** The hooks of an instance that have pins, live or left over. */
export function listHooks(instance: string): { node: string; interface: string; hook: Hook }[] {
  const root = instanceFolder(instance);
  const folders = (path: string): string[] =>
    listFolder(path)
      .filter(({ folder }) => folder)
      .map(({ name }) => name);
  return folders(root).flatMap((node) =>
    folders(join(root, node))
      .filter((name) => !name.startsWith('+'))
      .flatMap((name) =>
        folders(join(root, node, name)).flatMap((hook) => {
          const parsed = hookSchema.safeParse(hook);
          if (!parsed.success) return [];
          return [{ node: decodeToken(node), interface: decodeToken(name), hook: parsed.data }];
        }),
      ),
  );
}
