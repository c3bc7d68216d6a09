import { readMemory } from '../sys/libc';
import { libbpf, type BpfObject } from './libbpf';

const kindSection = 15;
const typeBytes = 12;

export interface GlobalVariable {
  name: string;
  offset: number;
  sizeBytes: number;
}

/** The variables of a global data section, from the object's BTF; undefined when it has none. */
export function globalsOf(object: BpfObject, section: string): GlobalVariable[] | undefined {
  const btf = libbpf.btf(object);
  if (btf === null) return undefined;
  const id = libbpf.findType(btf, section, kindSection);
  const type = id > 0 ? libbpf.typeById(btf, id) : null;
  if (type === null) return undefined;
  const count = readMemory(type + 4n, 4).readUInt32LE(0) & 0xffff;
  const variables = readMemory(type + BigInt(typeBytes), count * typeBytes);
  return Array.from({ length: count }, (_, index) => {
    const variable = libbpf.typeById(btf, variables.readUInt32LE(index * typeBytes));
    const nameAt = variable === null ? 0 : readMemory(variable, 4).readUInt32LE(0);
    return {
      name: libbpf.typeName(btf, nameAt) ?? '',
      offset: variables.readUInt32LE(index * typeBytes + 4),
      sizeBytes: variables.readUInt32LE(index * typeBytes + 8),
    };
  });
}
