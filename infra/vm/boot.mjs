// Boots a kernel under qemu in pure emulation and reads what it says on the serial console.
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createInterface } from 'node:readline';
import { gunzipSync } from 'node:zlib';

/** Joins archives into the one file that qemu hands to the kernel. */
export async function joinArchives(path, parts) {
  const target = createWriteStream(path);
  for (const part of parts) await pipeline(createReadStream(part), target, { end: false });
  await new Promise((resolve, reject) => target.end((error) => (error ? reject(error) : resolve())));
}

// Without -cx16 6.12 crashes in most boots under emulation; /dev/kvm is not to be had everywhere and does not help where it is.
// One thread for both processors: with one each, the emulator has run instructions that the other had just patched, and 6.12 took the
// breakpoint in bpf_dispatcher_xdp_func for a fault of its own.
const machine = [
  ...['-M', 'q35', '-cpu', 'max,-cx16', '-smp', '2', '-accel', 'tcg,thread=single'],
  ...['-nographic', '-no-reboot', '-nic', 'none'],
];

/**
 * Runs a machine to its end, or until `signal`. Returns the result (JSON) as it came over the console, and the console's lines.
 * The machine dies with this process, however that ends.
 */
export function boot({ image, initramfs, limitMs, memoryMiB = 2048, signal, onLine = () => undefined }) {
  return new Promise((resolve, reject) => {
    const append = 'console=ttyS0 panic=-1 loglevel=4 mitigations=off no_timer_check';
    const emulator = ['qemu-system-x86_64', ...machine, '-m', String(memoryMiB)];
    const child = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', ...emulator, '-kernel', image, '-initrd', initramfs, '-append', append],
      { stdio: ['ignore', 'pipe', 'pipe'], killSignal: 'SIGKILL', ...(signal && { signal }) },
    );
    const lines = [];
    const piece = [];
    let inResult = false;
    let ended = false;
    createInterface({ input: child.stdout }).on('line', (raw) => {
      const line = raw.replace(/\r$/, '');
      if (line.includes('@@ result end')) inResult = false;
      else if (line.includes('@@ result')) inResult = true;
      else if (inResult) piece.push(line.trim());
      else {
        lines.push(line);
        onLine(line);
      }
      if (line.includes('@@ ended')) ended = true;
    });
    child.stderr.on('data', (chunk) => lines.push(String(chunk)));
    const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(limit);
      const result =
        piece.length > 0
          ? JSON.parse(gunzipSync(Buffer.from(piece.join(''), 'base64')).toString('utf8'))
          : undefined;
      resolve({ result: result ?? undefined, ended, lines });
    });
  });
}
