import { closeSync } from 'node:fs';
import { structure } from '../sys/attributes';
import { KernelCallError } from '../sys/errors';
import { bindSocket, netlinkSocket, receiveBytes, sendBytes, setSocketOption } from '../sys/libc';
import {
  attributeText,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  messageFlag,
  messageType,
  type Message,
} from './message';

const protocolRoute = 0;
const solNetlink = 270;
const [capAck, extendedAck] = [10, 11];
const receiveBytesMax = 256 * 1024;
let shared: Buffer | undefined;

/** An rtnetlink socket of the namespace that it was opened in. Requests are synchronous: the kernel answers at once. */
export class RouteSocket {
  readonly #fd: number;
  #sequence = 0;

  constructor() {
    this.#fd = netlinkSocket(protocolRoute, false);
    setSocketOption(this.#fd, solNetlink, { name: extendedAck, value: 1 });
    setSocketOption(this.#fd, solNetlink, { name: capAck, value: 1 });
    bindSocket(this.#fd, structure(12, [{ at: 0, u32: 16 }]));
  }

  /** Sends one request and returns what the kernel answered before its acknowledgement. */
  request(call: string, { type, flags, body }: Omit<Message, 'sequence'>): Message[] {
    const sequence = ++this.#sequence;
    const isDump = (flags & messageFlag.dump) === messageFlag.dump;
    const all = flags | messageFlag.request | (isDump ? 0 : messageFlag.acknowledge);
    sendBytes(this.#fd, encodeMessage({ type, flags: all, sequence, body }));
    const answers: Message[] = [];
    shared ??= Buffer.alloc(receiveBytesMax);
    for (;;) {
      const bytes = receiveBytes(this.#fd, shared);
      if (bytes > shared.length) throw new KernelCallError(call, 90, 'a netlink answer is too long');
      // The buffer is used again, so what is kept is copied.
      for (const message of decodeMessages(Buffer.from(shared.subarray(0, bytes)))) {
        if (message.sequence !== sequence) continue;
        if (message.type === messageType.done) return answers;
        if (message.type === messageType.error) {
          throwIfFailed(call, message);
          return answers;
        }
        answers.push(message);
      }
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** An acknowledgement is an error message with the error 0. */
function throwIfFailed(call: string, { body, flags }: Message): void {
  const error = body.readInt32LE(0);
  if (error === 0) return;
  const [attributeMessage, hasAttributes, requestHeadBytes] = [1, 0x200, 16];
  const said =
    (flags & hasAttributes) === 0
      ? ''
      : attributeText(decodeAttributes(body.subarray(4 + requestHeadBytes)).get(attributeMessage));
  throw new KernelCallError(call, -error, undefined, said || undefined);
}

/** Runs `body` with a socket of the current namespace. */
export function withRouteSocket<T>(body: (socket: RouteSocket) => T): T {
  using socket = new RouteSocket();
  return body(socket);
}
