import { z } from 'zod';
import { configValueSchema, hookSchema } from '@l3af/contracts';
import { packetSchema } from './packet-layers';

const config = z.record(z.string(), configValueSchema);

/**
 * One packet through the program. `verdict` is `pass` (the packet goes on, as a chain would let it), `drop`, or one of
 * the kernel's names. In `set` and `maps`, as in `config`, a text `now`, `now - 500ms` stands for the kernel's monotonic
 * clock in nanoseconds.
 */
const stepShape = {
  packet: packetSchema,
  repeat: z.number().int().min(1).max(1_000_000).optional(),
  verdict: z.string().min(1),
  /** The packet as it comes out; `unchanged` is short for as it went in. */
  output: z.union([z.literal('unchanged'), packetSchema]).optional(),
  /** Map entries to write before the packet. */
  set: config.optional(),
  /** Map entries afterwards; fields left out are not compared, values of all CPUs are added up, null: no such entry. */
  maps: config.optional(),
};
const stepSchema = z.strictObject(stepShape);
export type PacketStep = z.infer<typeof stepSchema>;

const caseShape = {
  name: z.string().min(1),
  /** Default: every hook that the object has a program for. */
  hooks: z.array(hookSchema).min(1).optional(),
  /** The entry function; needed only when the object has several for the hook. */
  program: z.string().optional(),
  /** The first kernel it can run on; skipped on older ones. */
  kernel: z
    .string()
    .regex(/^\d+\.\d+$/, 'must be major.minor')
    .optional(),
  /** Maps and constants as in a chain document. */
  config: config.default({}),
};

const caseSchema = z.union([
  z.strictObject({ ...caseShape, steps: z.array(stepSchema).min(1) }),
  z
    .strictObject({ ...caseShape, ...stepShape })
    .transform(({ packet, repeat, verdict, output, set, maps, ...own }) => ({
      ...own,
      steps: [{ packet, repeat, verdict, output, set, maps }],
    })),
]);

/** A file of packet tests, YAML or JSON: `kf.yaml` names them under `tests`. */
export const packetTestsSchema = z.strictObject({
  apiVersion: z.literal('l3af/v1'),
  kind: z.literal('PacketTests'),
  tests: z.array(caseSchema).min(1),
});
export type PacketTests = z.infer<typeof packetTestsSchema>;
export type PacketTest = PacketTests['tests'][number];
