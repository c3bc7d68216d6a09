import { closeSync } from 'node:fs';
import { structure } from '../sys/attributes';
import { failedWith } from '../sys/errors';
import { bpfCall } from '../sys/libc';

const command = {
  programNextId: 11,
  mapNextId: 12,
  programById: 13,
  mapById: 14,
  infoByFd: 15,
  linkById: 30,
  linkNextId: 31,
} as const;

/** BPF_OBJ_GET_INFO_BY_FD. `buffer` holds what the caller asks for and receives the answer. */
export function objectInfo(fd: number, buffer: Buffer): Buffer {
  const attributes = structure(16, [
    { at: 0, u32: fd },
    { at: 4, u32: buffer.length },
    { at: 8, pointer: buffer },
  ]);
  bpfCall('BPF_OBJ_GET_INFO_BY_FD', command.infoByFd, attributes);
  return buffer;
}

/** Opens a program by its id. Requires CAP_SYS_ADMIN; undefined when it is gone. */
export function openById(kind: 'program' | 'map' | 'link', id: number): number | undefined {
  const commands = { program: command.programById, map: command.mapById, link: command.linkById };
  try {
    return bpfCall('BPF_GET_FD_BY_ID', commands[kind], structure(12, [{ at: 0, u32: id }]), String(id));
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Ids of every program, map or link of the kernel. Requires CAP_SYS_ADMIN. */
export function* allIds(kind: 'program' | 'map' | 'link'): Generator<number> {
  const commands = { program: command.programNextId, map: command.mapNextId, link: command.linkNextId };
  const next = commands[kind];
  let id = 0;
  for (;;) {
    const attributes = structure(12, [{ at: 0, u32: id }]);
    try {
      bpfCall('BPF_GET_NEXT_ID', next, attributes);
    } catch (error) {
      if (failedWith(error, 'ENOENT')) return;
      throw error;
    }
    id = attributes.readUInt32LE(4);
    yield id;
  }
}

/** Runs `body` with an object opened by id and closes it; undefined when it is gone or may not be looked up. */
export function withId<T>(
  kind: 'program' | 'map' | 'link',
  id: number,
  body: (fd: number) => T,
): T | undefined {
  let fd: number | undefined;
  try {
    fd = openById(kind, id);
  } catch (error) {
    if (failedWith(error, 'EPERM')) return undefined;
    throw error;
  }
  if (fd === undefined) return undefined;
  try {
    return body(fd);
  } finally {
    closeSync(fd);
  }
}

/** A NUL-terminated name in a fixed field. */
export function nameField(buffer: Buffer, at: number): string {
  const field = buffer.subarray(at, at + 16);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}
