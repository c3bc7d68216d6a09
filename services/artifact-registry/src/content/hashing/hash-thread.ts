import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Algorithm } from '../digest';

interface Waiting {
  resolve: (answer: never) => void;
  reject: (error: unknown) => void;
}

/**
 * Digests and checksums of uploads, reckoned in a thread beside the one that serves: they are most of the work of
 * taking a large blob. The thread starts with the first bytes, and holds no process up.
 */
export class HashThread {
  private worker: Worker | undefined;
  /** In the order that was asked in, which is the order of the answers. */
  private waiting: Waiting[] = [];

  /**
   * Adds bytes to the running digest of this name, which has seen all before this place; resolves to their CRC-32.
   * The memory is read until then. At any other place than the end of what it has seen, the digest is lost.
   */
  add(
    digest: string,
    { algorithm, at }: { algorithm: Algorithm; at: number },
    bytes: Buffer<SharedArrayBuffer>,
  ): Promise<number> {
    const { buffer: memory, byteLength: size } = bytes;
    return this.ask({ work: 'add', digest, algorithm, at, memory, size });
  }

  /** Ends a running digest; resolves to it in hex, or to nothing when it has not seen just so many bytes. */
  end(digest: string, of: { algorithm: Algorithm; size: number }): Promise<string | undefined> {
    return this.ask({ work: 'end', digest, ...of });
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
  }

  private ask<T>(request: object): Promise<T> {
    const worker = (this.worker ??= this.start());
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      worker.postMessage(request);
    });
  }

  /** When a thread dies, what it was asked fails and its digests are lost: uploads are read again at their end. */
  private start(): Worker {
    const worker = new Worker(join(__dirname, 'hash-worker.cjs'));
    const end = (error: unknown): void => {
      if (this.worker !== worker) return;
      this.worker = undefined;
      for (const { reject } of this.waiting.splice(0)) reject(error);
    };
    worker.on('message', (answer) => this.waiting.shift()?.resolve(answer as never));
    worker.on('error', end);
    worker.on('exit', () => end(new Error('the hashing thread has ended')));
    worker.unref();
    return worker;
  }
}
