// The thread behind hash-thread.ts: what arrives is reckoned in order. Plain JavaScript, as node gives it to a thread.
const { createHash } = require('node:crypto');
const { parentPort } = require('node:worker_threads');
const { crc32 } = require('node:zlib');

/** Running digests, those used last at the end: a thousand take a few hundred KiB. */
const runningMax = 1000;
/** @type {Map<string, { algorithm: string, size: number, hash: import('node:crypto').Hash }>} */
const running = new Map();

const handlers = {
  /** Adds bytes to a digest, if it has seen all before them; gives their checksum. */
  add({ digest, algorithm, at, memory, size }) {
    const bytes = new Uint8Array(memory, 0, size);
    const known = at === 0 ? { algorithm, size: 0, hash: createHash(algorithm) } : running.get(digest);
    running.delete(digest);
    if (known?.size === at) {
      known.hash.update(bytes);
      known.size += size;
      running.set(digest, known);
      if (running.size > runningMax) running.delete(running.keys().next().value);
    }
    return crc32(bytes);
  },
  /** Ends a digest; gives it in hex if it is of just so many bytes. */
  end({ digest, algorithm, size }) {
    const known = running.get(digest);
    running.delete(digest);
    return known?.size === size && known.algorithm === algorithm ? known.hash.digest('hex') : undefined;
  },
};

parentPort.on('message', ({ work, ...request }) => parentPort.postMessage(handlers[work](request)));
