import { createHash } from 'node:crypto';
import { cannot, L3afError, type Hook, type MapSchema, type ObjectSchema } from '@l3af/contracts';
import { deriveSchema } from '@l3af/bpf-object';
import type { KfLoad, MapWrite } from '../types';
import { kfsMax } from '../glue/counters-layout';
import type { KfShape } from '../glue/instructions';

/** Reads every object before libbpf sees it: libbpf is C and trusts much. Throws `invalid-object`. */
export function readSchemas(kfs: readonly KfLoad[]): ObjectSchema[] {
  return kfs.map((kf) => {
    try {
      return deriveSchema(kf.object);
    } catch (error) {
      if (!(error instanceof L3afError)) throw error;
      throw new L3afError('invalid-object', cannot('load', 'KF', kf.name, 'its object is not valid'), {
        cause: error,
        details: { kf: kf.name, ...error.details },
      });
    }
  });
}

/** All programs of one program array must agree on multi-buffer packets. */
export function agreedFrags(hook: Hook, kfs: readonly KfLoad[], schemas: readonly ObjectSchema[]): boolean {
  if (hook !== 'xdp') return false;
  const wants = kfs.map(
    (kf, index) => schemas[index]?.programs.find(({ name }) => name === kf.program)?.frags === true,
  );
  const first = wants[0];
  if (first === undefined || wants.every((one) => one === first)) return first ?? false;
  const named = (frags: boolean): string =>
    kfs
      .filter((_, index) => wants[index] === frags)
      .map(({ name }) => name)
      .join(', ');
  throw new L3afError(
    'frags-mismatch',
    cannot(
      'load',
      'chain',
      named(true),
      `it is built for xdp.frags, ${named(false)} is not, needs all or none`,
    ),
    { details: { frags: named(true), linear: named(false) } },
  );
}

/** Most tail calls that the kernel lets one packet make. */
export const tailCallsMax = 33;

export function requireRoom(count: number): void {
  if (count > kfsMax)
    throw tooLong(count, `a packet may make ${tailCallsMax} tail calls, which is ${kfsMax} KFs`);
}

/** Before Linux 6.12 a tail call that fails counts, too, and legacy KFs make one each through their empty map. */
export function requireTailCallBudget(
  shapes: readonly { name: string; shape: KfShape; succeeds: boolean }[],
  { failedCallsCount, measured }: { failedCallsCount: boolean; measured: boolean },
): void {
  const own = shapes
    .filter(({ succeeds }) => succeeds || failedCallsCount)
    .reduce((sum, { shape }) => sum + shape.ownTailCalls, 0);
  const total = shapes.length - 1 + own + (measured ? 1 : 0);
  if (total <= tailCallsMax) return;
  if (measured && total === tailCallsMax + 1) {
    throw new L3afError(
      'chain-too-long',
      cannot('measure', 'chain', `${shapes.length} KFs`, 'measuring takes one tail call and none is left'),
    );
  }
  throw tooLong(
    shapes.length,
    `its KFs make ${own} tail calls of their own, ${total} with the chain's, needs at most ${tailCallsMax}`,
  );
}

function tooLong(count: number, state: string): L3afError {
  return new L3afError('chain-too-long', cannot('load', 'chain', `${count} KFs`, state));
}

/** Two maps may share their content exactly when their signatures are the same. */
export function signatureOf(map: MapSchema | { name: string; globals: string }): string {
  return createHash('sha256')
    .update(JSON.stringify({ ...map, name: undefined }))
    .digest('hex')
    .slice(0, 32);
}

/** One hash per map of what the configuration writes into it. */
export function hashWrites(writes: readonly MapWrite[]): Record<string, string> {
  const hashes = new Map<string, ReturnType<typeof createHash>>();
  for (const { map, key, value } of writes) {
    const hash = hashes.get(map) ?? createHash('sha256');
    hash.update(`${key.length}.${value.length}:`).update(key).update(value);
    hashes.set(map, hash);
  }
  return Object.fromEntries([...hashes].map(([map, hash]) => [map, hash.digest('hex').slice(0, 32)]));
}
