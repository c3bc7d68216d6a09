import { parseDispatcherConfig } from './read';

/** A configuration as libxdp writes it: three words of ten, after a head that depends on the version. */
function config(version: 1 | 2 | 3, programs: { priority: number; actions: number }[]): Buffer {
  const bytes = Buffer.alloc({ 1: 84, 2: 124, 3: 128 }[version]);
  if (version === 1) bytes.writeUInt8(programs.length, 0);
  else bytes.set([236, version, programs.length, 0], 0);
  programs.forEach(({ priority, actions }, index) => {
    bytes.writeUInt32LE(actions, 4 + index * 4);
    bytes.writeUInt32LE(priority, 44 + index * 4);
  });
  return bytes;
}

describe('a libxdp dispatcher', () => {
  test.each([1, 2, 3] as const)('of version %i is read program by program', (version) => {
    const stub = 2 ** 31;
    const bytes = config(version, [
      { priority: 50, actions: (1 << 2) + stub },
      { priority: 60, actions: (1 << 2) + (1 << 1) + stub },
    ]);
    expect(parseDispatcherConfig(bytes)).toEqual({
      version,
      programs: [
        { priority: 50, proceedOn: [2] },
        { priority: 60, proceedOn: [1, 2] },
      ],
    });
  });
  test('is not any map of some size', () => {
    expect(parseDispatcherConfig(Buffer.alloc(124))).toBeUndefined();
    expect(parseDispatcherConfig(Buffer.alloc(8))).toBeUndefined();
  });
});
