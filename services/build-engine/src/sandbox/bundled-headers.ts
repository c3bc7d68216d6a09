import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cannot, L3afError } from '@l3af/contracts';

/** The headers that every source may include without bringing them: `vmlinux.h` for CO-RE, and helpers of ours. */
export function bundledHeaders(given: string | undefined): string {
  if (given !== undefined) return given;
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'bpf/include');
    if (existsSync(join(candidate, 'vmlinux.h'))) return candidate;
  }
  throw new L3afError(
    'invalid-environment',
    cannot('find', 'headers', 'bpf/include', 'they are not above the program, needs L3AF_INCLUDE_DIR'),
  );
}
