import { closeSync } from 'node:fs';
import { loadInstructions, programType } from '../bpf/program';
import { assemble, exit, movImm } from '../glue/assembler';
import { failedWith } from '../sys/errors';

/**
 * Whether programs that replace functions of others (freplace) may be loaded; libxdp's dispatcher is made of them. Some machines forbid
 * them to root. A load without a target is always refused: what it is refused for tells.
 */
export function freplaceOutcome(): boolean | 'denied' {
  try {
    closeSync(
      loadInstructions({
        type: programType.extension,
        name: 'l3af_probe',
        instructions: assemble([movImm(0, 0), exit]),
        attachType: 0,
      }),
    );
    return true;
  } catch (error) {
    return failedWith(error, 'EPERM') ? 'denied' : true;
  }
}
