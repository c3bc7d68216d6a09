import { closeSync } from 'node:fs';
import { openById } from '../../bpf/info';
import { createMap, KernelMap } from '../../bpf/map';
import { loadInstructions, programId, programType } from '../../bpf/program';
import { assemble, exit, movImm } from '../../glue/assembler';
import type { AttachKind } from '../../generation/record';
import { loadBtf } from '../../object/synthetic-btf';
import { failedWith } from '../../sys/errors';
import { unannounced } from '../../sys/operations';
import { fillRoot } from './joined';
import { withTemplate } from './libxdp';
import { chainFunctions, loadRoot, rootBtf } from './root-program';

/** How programs are loaded as extensions: their BTF, and the function that they could stand in for. Kept for the life of the process. */
export interface ExtensionTarget {
  btfFd: number;
  programFd: number;
  functionId: number;
}

let known: ExtensionTarget | 'not needed' | undefined;

/**
 * On some kernels (5.10; repaired in 6.2 and later updates of 6.1) an extension tail-calls nothing but extensions: there every program of
 * a chain in a dispatcher is one. Undefined where the chain's programs are plain ones.
 */
export function extensionTarget(attach: AttachKind): ExtensionTarget | undefined {
  if (attach !== 'dispatcher') return undefined;
  known ??= unannounced(callsPlain) ? 'not needed' : keepTarget();
  return known === 'not needed' ? undefined : known;
}

/** Fails where nothing of a chain could run in a dispatcher, before any of it is loaded. */
function callsPlain(): boolean {
  const xdpPass = 2;
  using array = new KernelMap(
    createMap({ type: 'prog_array', name: 'l3af_probe', keyBytes: 4, valueBytes: 4, entriesMax: 1 }),
  );
  const plain = loadInstructions({
    type: programType.xdp,
    name: 'l3af_probe',
    instructions: assemble([movImm(0, xdpPass), exit]),
    attachType: 0,
  });
  try {
    fillRoot(array, plain);
    closeSync(loadRoot(array.fd, { priority: 1, frags: false }));
    return true;
  } catch (error) {
    if (failedWith(error, 'EINVAL')) return false;
    throw error;
  } finally {
    closeSync(plain);
  }
}

function keepTarget(): ExtensionTarget {
  return withTemplate(({ programFd, functionId }) => {
    const kept = openById('program', programId(programFd));
    if (kept === undefined) throw new RangeError('a program that is open has no id');
    return { btfFd: loadBtf(rootBtf(1)), programFd: kept, functionId };
  });
}

/** The function records of an extension that starts with its main function. Each is an offset and a type. */
export function extensionRecords(subprograms: readonly number[]): Buffer {
  const records = [
    [0, chainFunctions.main],
    ...subprograms.map((at) => [at, chainFunctions.subprogram]),
  ].flat();
  const bytes = Buffer.alloc(records.length * 4);
  records.forEach((word, index) => bytes.writeUInt32LE(word, index * 4));
  return bytes;
}
