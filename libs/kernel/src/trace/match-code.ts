import { op, jump, type Line } from '../glue/assembler';
import type { Compare, Match } from './match';

const loads = { 1: op.load8, 2: op.load16, 4: op.load32 } as const;

/** A number as it reads when its bytes in network order are loaded on a little-endian machine. */
function swapped(value: number, bytes: 1 | 2 | 4): number {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return Buffer.from(buffer.subarray(0, bytes).reverse()).readUIntLE(0, bytes);
}

/**
 * The instructions of a match: they end with a jump to the label `yes` or `no`. Expects the packet's key (see packet-key.ts) at the address
 * in r9; uses r1.
 */
export function matchCode(match: Match, yes: string, no: string): Line[] {
  let labels = 0;
  const emit = (one: Match, to: { yes: string; no: string }): Line[] => {
    switch (one.kind) {
      case 'compare':
        return compareCode(one, to);
      case 'not':
        return emit(one.of, { yes: to.no, no: to.yes });
      case 'all':
      case 'any': {
        const lines = one.of.flatMap((part, index): Line[] => {
          if (index === one.of.length - 1) return emit(part, to);
          const next = `match ${labels++}`;
          return [
            ...emit(part, one.kind === 'all' ? { ...to, yes: next } : { ...to, no: next }),
            { label: next },
          ];
        });
        return lines.length > 0 ? lines : [jump(one.kind === 'all' ? to.yes : to.no)];
      }
    }
  };
  return emit(match, { yes, no });
}

function compareCode(
  { at, bytes, order, mask, relation, value }: Compare,
  to: { yes: string; no: string },
): Line[] {
  const isNetwork = order === 'network' && bytes > 1;
  const load: Line = { code: loads[bytes], dst: 1, src: 9, off: at };
  if (relation === '=') {
    const stored = (plain: number): number => (isNetwork ? swapped(plain, bytes) : plain);
    return [
      load,
      ...(mask === undefined ? [] : [{ code: op.and32Imm, dst: 1, imm: stored(mask) }]),
      { code: op.jumpNotEqual32, dst: 1, imm: stored(value), to: to.no },
      jump(to.yes),
    ];
  }
  return [
    load,
    ...(isNetwork ? [{ code: op.bigEndian, dst: 1, imm: bytes * 8 }] : []),
    { code: relation === '>=' ? op.jumpLess32 : op.jumpGreater32, dst: 1, imm: value, to: to.no },
    jump(to.yes),
  ];
}
