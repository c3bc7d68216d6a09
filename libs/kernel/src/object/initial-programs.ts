import { readElf, relocationsOf } from '@l3af/bpf-object';

/**
 * Programs that an object puts into its own program arrays (`.values = { [0] = &other }`): libbpf fills the arrays at
 * the load, so those programs must be loaded as well.
 */
export function initialPrograms(object: Uint8Array): Set<string> {
  const elf = readElf(object);
  const maps = elf.sections.find(({ name }) => name === '.maps');
  if (maps === undefined) return new Set();
  const names = relocationsOf(elf, maps).flatMap(({ symbol }) => {
    const target = elf.symbols[symbol];
    return target?.kind === 'function' ? [target.name] : [];
  });
  return new Set(names);
}
