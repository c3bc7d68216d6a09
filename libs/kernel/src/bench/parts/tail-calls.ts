import { closeSync } from 'node:fs';
import { createMap, KernelMap } from '../../bpf/map';
import { attachType, loadInstructions, programType } from '../../bpf/program';
import { assemble, callHelper, exit, helper, loadMap, movImm, type Line } from '../../glue/assembler';

const xdpPass = 2;
const load = (lines: readonly Line[]): number =>
  loadInstructions({
    type: programType.xdp,
    name: 'bench',
    instructions: assemble(lines),
    attachType: attachType.xdp,
  });

/** One program that passes. */
export const loadBare = (): number => load([movImm(0, xdpPass), exit]);

/** What a person would write: each program tail-calls the next one, the last passes. */
export function withTailCalls<T>(count: number, body: (firstFd: number) => T): T {
  using programs = new KernelMap(
    createMap({ type: 'prog_array', name: 'bench', keyBytes: 4, valueBytes: 4, entriesMax: count }),
  );
  const word = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const fds = Array.from({ length: count }, (_, index) =>
    load([
      ...(index < count - 1
        ? [...loadMap(2, programs.fd), movImm(3, index + 1), callHelper(helper.tailCall)]
        : []),
      movImm(0, xdpPass),
      exit,
    ]),
  );
  try {
    fds.forEach((fd, index) => programs.update(word(index), word(fd)));
    return body(fds[0] ?? -1);
  } finally {
    fds.forEach((fd) => closeSync(fd));
  }
}
