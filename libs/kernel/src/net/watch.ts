import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { structure } from '../sys/attributes';
import { failedWith } from '../sys/errors';
import { bindSocket, netlinkSocket, receiveBytes } from '../sys/libc';
import { inNetns } from '../sys/netns';
import type { InterfaceChange } from '../types';
import { parseLink } from './links';
import { decodeMessages, messageType } from './message';

const [protocolRoute, groupLink, familyNetlink] = [0, 1, 16];
const receiveBytesMax = 64 * 1024;

export interface InterfaceWatch {
  close(): void;
}

/**
 * Calls back for every interface of a namespace that appears, changes or goes, as the kernel tells it; nothing polls.
 * `lost` means that messages were dropped and the interfaces must be listed again. What the callback throws, and a socket that breaks, end
 * the watch and are thrown from the event loop.
 */
export function watchInterfaces(
  netns: string | undefined,
  callback: (change: InterfaceChange) => void,
): InterfaceWatch {
  // The socket stays in the namespace it was opened in.
  const fd = inNetns(netns, () => {
    const socket = netlinkSocket(protocolRoute, true);
    bindSocket(
      socket,
      structure(12, [
        { at: 0, u32: familyNetlink },
        { at: 8, u32: groupLink },
      ]),
    );
    return socket;
  });
  const buffer = Buffer.alloc(receiveBytesMax);
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    handle.stop();
    handle.close();
    closeSync(fd);
  };
  const handle = koffi.node.poll(fd, { readable: true }, () => {
    try {
      drain(fd, buffer, callback);
    } catch (error) {
      close(); // a broken socket would call back for ever
      setImmediate(() => {
        throw error; // koffi would drop it
      });
    }
  });
  return { close };
}

function drain(fd: number, buffer: Buffer, callback: (change: InterfaceChange) => void): void {
  for (;;) {
    let bytes: number;
    try {
      bytes = receiveBytes(fd, buffer);
    } catch (error) {
      if (failedWith(error, 'EAGAIN', 'EINTR')) return;
      if (!failedWith(error, 'ENOBUFS')) throw error;
      callback({ type: 'lost' });
      continue;
    }
    if (bytes > buffer.length) {
      callback({ type: 'lost' });
      continue;
    }
    for (const message of decodeMessages(Buffer.from(buffer.subarray(0, bytes)))) {
      const link = parseLink(message);
      if (link === undefined) continue;
      if (message.type === messageType.newLink) callback({ type: 'added', interface: link.info });
      if (message.type === messageType.deleteLink) callback({ type: 'removed', interface: link.info });
    }
  }
}
