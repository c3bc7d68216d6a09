import { closeSync } from 'node:fs';
import { cannot, L3afError } from '@l3af/contracts';
import { loadInstructions, programFlags, programType } from '../../bpf/program';
import { assemble, callHelper, exit, helper, loadMap, movImm } from '../../glue/assembler';
import { btfInfo, encodeBtf, loadBtf } from '../../object/synthetic-btf';
import { failedWith } from '../../sys/errors';
import { withTemplate } from './libxdp';

/** The name that others see among the dispatcher's programs. */
export const rootName = 'l3af_chain';

/** Types in {@link rootBtf}: the program's main function, and one for any subprogram of it. */
export const chainFunctions = { main: 5, subprogram: 14 } as const;

/**
 * BTF of `int l3af_chain(struct xdp_md *ctx)`, with the run configuration as libxdp looks for it: a variable `_l3af_chain` in the
 * section `.xdp_run_config`, whose fields are pointers to arrays of as many elements as the number that is meant.
 * Source: libxdp's protocol, "Specifying the configuration in BTF". Pure.
 */
export function rootBtf(priority: number): Buffer {
  const kinds = {
    int: 1,
    pointer: 2,
    array: 3,
    struct: 4,
    function: 12,
    prototype: 13,
    variable: 14,
    section: 15,
  };
  let strings = '\0';
  const text = (value: string): number => {
    const at = strings.length;
    strings += `${value}\0`;
    return at;
  };
  const number = (count: number, arrayId: number): number[][] => [
    [0, btfInfo(kinds.array), 0, 1, 1, count],
    [0, btfInfo(kinds.pointer), arrayId],
  ];
  const [global, configBytes] = [1, 16];
  const types = [
    [text('int'), btfInfo(kinds.int), 4, (1 << 24) | 32],
    [text('xdp_md'), btfInfo(kinds.struct), 4],
    [0, btfInfo(kinds.pointer), 2],
    [0, btfInfo(kinds.prototype, 1), 1, text('ctx'), 3],
    [text(rootName), btfInfo(kinds.function, global), 4],
    ...number(priority, 6),
    ...number(1, 8),
    [text('config'), btfInfo(kinds.struct, 2), configBytes, text('priority'), 7, 0, text('XDP_PASS'), 9, 64],
    [text(`_${rootName}`), btfInfo(kinds.variable), 10, global],
    [text('.xdp_run_config'), btfInfo(kinds.section, 1), configBytes, 11, 0, configBytes],
    [0, btfInfo(kinds.prototype), 1],
    [text('kf'), btfInfo(kinds.function), 13],
  ];
  return encodeBtf(types, Buffer.from(strings));
}

/** Runs whatever program is in the array's only slot; without one, packets go on to the dispatcher's next program. */
const rootInstructions = (arrayFd: number): Buffer => {
  const xdpPass = 2;
  return assemble([
    ...loadMap(2, arrayFd),
    movImm(3, 0),
    callHelper(helper.tailCall),
    movImm(0, xdpPass),
    exit,
  ]);
};

/**
 * Loads the program by which a chain is one of a libxdp dispatcher's. It stays the same for all generations: the array's slot says
 * which one runs. The caller closes the descriptor. Requires freplace (Linux >= 5.10).
 */
export function loadRoot(arrayFd: number, { priority, frags }: { priority: number; frags: boolean }): number {
  const btfFd = loadBtf(rootBtf(priority));
  try {
    return withTemplate(({ programFd, functionId }) =>
      loadInstructions({
        type: programType.extension,
        name: rootName,
        instructions: rootInstructions(arrayFd),
        attachType: 0,
        flags: frags ? programFlags.xdpHasFrags : 0,
        extends: { btfFd, functionTypeId: chainFunctions.main, programFd, functionId },
      }),
    );
  } catch (error) {
    throw rootRefusal(error);
  } finally {
    closeSync(btfFd);
  }
}

/** What a kernel refuses an extension for, in words. */
function rootRefusal(error: unknown): unknown {
  const refuse = (state: string): L3afError =>
    new L3afError('kernel-unsupported', cannot('join', 'dispatcher', 'libxdp', state), {
      cause: error,
      hint: 'Let the chain have a hook to itself: take `dispatcher: join` out of the document',
    });
  if (failedWith(error, 'EPERM'))
    return refuse('this machine does not permit programs that extend others (freplace)');
  if (!failedWith(error, 'EINVAL') || !error.said?.includes('changes packet data')) return error;
  return refuse(
    "this kernel allows no tail call in place of the dispatcher's functions, needs libxdp 1.5.5 or later",
  );
}
