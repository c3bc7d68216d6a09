import { z } from 'zod';
import type { Hook } from './names';

/** Another program on a TC hook: its id, its name, or the path where it or its link is pinned. */
const neighbourSchema = z.union([
  z.number().int().positive(),
  z
    .string()
    .regex(/^(\/.+|[A-Za-z0-9_.]{1,15})$/, 'must be a program id, a program name or the path of a pin'),
]);

/**
 * How a chain shares its hook with others, where a document says so. It is decided when the chain is attached; a chain that
 * is attached stays where it is.
 */
export const chainAttachSchema = z.strictObject({
  /** On a tcx hook, among other programs; default: last. */
  position: z
    .union([
      z.enum(['first', 'last']),
      z.strictObject({ before: neighbourSchema }),
      z.strictObject({ after: neighbourSchema }),
    ])
    .optional(),
  /** The revision of the tcx hook that the position was chosen by; when others changed the hook since, the chain is refused. */
  expectedRevision: z.number().int().positive().optional(),
  /** How a TC chain is attached; default: tcx where the kernel has it (6.6), else cls_bpf. */
  tc: z.enum(['tcx', 'cls_bpf']).optional(),
  /** Whether an XDP chain becomes one of the programs of a libxdp dispatcher; default: a hook that has one is taken. */
  dispatcher: z.enum(['join', 'refuse']).optional(),
  /** Among the dispatcher's programs, of which those with lower numbers run first; default: 50, as libxdp's own. */
  priority: z.number().int().min(1).max(1_000_000).optional(),
});
export type ChainAttach = z.infer<typeof chainAttachSchema>;

const fieldsOf = {
  xdp: ['dispatcher', 'priority'],
  tc: ['position', 'expectedRevision', 'tc'],
} as const satisfies Record<'xdp' | 'tc', readonly (keyof ChainAttach)[]>;

/** What of `attach` means nothing on a hook or together, as a field and what is wrong with it. Pure. */
export function attachProblem(
  attach: ChainAttach,
  hook: Hook,
): { field: keyof ChainAttach; message: string } | undefined {
  const isXdp = hook === 'xdp';
  const misplaced = fieldsOf[isXdp ? 'tc' : 'xdp'].find((field) => attach[field] !== undefined);
  if (misplaced) return { field: misplaced, message: `is for ${isXdp ? 'TC hooks' : 'the XDP hook'}` };
  if (attach.priority !== undefined && attach.dispatcher !== 'join')
    return { field: 'priority', message: 'needs dispatcher: join' };
  if (attach.tc !== 'cls_bpf') return undefined;
  const forTcx = (['position', 'expectedRevision'] as const).find((field) => attach[field] !== undefined);
  return forTcx && { field: forTcx, message: 'is for tcx, which keeps an order' };
}
