import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setImmediate as turn } from 'node:timers/promises';
import { structure } from './attributes';

const collect = (): void => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
};

/** A structure that points to bytes which nobody else holds. */
function pointing(): { attributes: Buffer; bytes: WeakRef<Uint8Array> } {
  const bytes = Buffer.alloc(8192, 7);
  return { attributes: structure(16, [{ at: 8, pointer: bytes }]), bytes: new WeakRef(bytes) };
}

test('a structure holds what it points to, as long as it lives and no longer', async () => {
  const held: Partial<ReturnType<typeof pointing>> = pointing();
  await turn(); // until then a WeakRef holds, too
  collect();
  expect(held.bytes?.deref()?.every((byte) => byte === 7)).toBe(true);
  expect(held.attributes?.readBigUInt64LE(8)).toBeGreaterThan(0n);
  delete held.attributes;
  await turn();
  collect();
  expect(held.bytes?.deref()).toBeUndefined();
});

test('nothing, and no bytes, are the address 0', () => {
  const attributes = structure(16, [
    { at: 0, pointer: null },
    { at: 8, pointer: Buffer.alloc(0) },
  ]);
  expect(attributes.equals(Buffer.alloc(16))).toBe(true);
});
