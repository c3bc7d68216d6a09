import { existsSync } from 'node:fs';
import { detachLink } from '../attach/attached';
import { forgetJoined } from '../attach/dispatcher/joined';
import { removeFolder } from '../bpf/pin';
import { listHooks } from './hooks';
import { removeEmptyFolders, removePins } from '../chain/remove';
import { instanceFolder } from './paths';

/**
 * Detaches and removes everything of an instance. cls_bpf filters and programs of a libxdp dispatcher cannot be taken off by
 * their pins alone, since their namespace is not known here: {@link detach} each such hook before.
 */
export function removeInstance(instance: string): void {
  for (const hook of listHooks(instance)) {
    detachLink({ instance, ...hook });
    forgetJoined({ instance, ...hook });
    removePins({ instance, ...hook });
  }
  const folder = instanceFolder(instance);
  if (existsSync(folder)) removeFolder(folder);
  removeEmptyFolders(folder);
}
