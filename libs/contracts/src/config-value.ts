import { z } from 'zod';

/** Anything JSON can say; integers beyond 2^53 are written as decimal strings. */
export type ConfigValue = string | number | boolean | null | ConfigValue[] | { [key: string]: ConfigValue };

export const configValueSchema: z.ZodType<ConfigValue> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(configValueSchema),
    z.record(z.string(), configValueSchema),
  ]),
);

/** A C type as far as configuration needs it, derived from BTF (libs/bpf-object). Offsets and sizes in bytes. */
export type ValueType =
  | { kind: 'int'; bytes: number; signed: boolean; name?: string | undefined }
  | { kind: 'bool'; bytes: number }
  | { kind: 'float'; bytes: number }
  | { kind: 'enum'; bytes: number; name?: string | undefined; values: Record<string, number> }
  | { kind: 'struct' | 'union'; bytes: number; name?: string | undefined; fields: StructField[] }
  | { kind: 'array'; bytes: number; length: number; element: ValueType }
  /** `char[n]`: written as text. */
  | { kind: 'string'; bytes: number }
  /** No type information: written as hex. */
  | { kind: 'bytes'; bytes: number };

export interface StructField {
  name: string;
  offset: number;
  type: ValueType;
  /** Set for bit fields only. */
  bits?: { offset: number; size: number } | undefined;
}

export const valueTypeSchema: z.ZodType<ValueType> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('int'), bytes: z.number(), signed: z.boolean(), name: z.string().optional() }),
    z.object({ kind: z.literal('bool'), bytes: z.number() }),
    z.object({ kind: z.literal('float'), bytes: z.number() }),
    z.object({
      kind: z.literal('enum'),
      bytes: z.number(),
      name: z.string().optional(),
      values: z.record(z.string(), z.number()),
    }),
    z.object({
      kind: z.enum(['struct', 'union']),
      bytes: z.number(),
      name: z.string().optional(),
      fields: z.array(structFieldSchema),
    }),
    z.object({ kind: z.literal('array'), bytes: z.number(), length: z.number(), element: valueTypeSchema }),
    z.object({ kind: z.literal('string'), bytes: z.number() }),
    z.object({ kind: z.literal('bytes'), bytes: z.number() }),
  ]),
);

export const structFieldSchema: z.ZodType<StructField> = z.lazy(() =>
  z.object({
    name: z.string(),
    offset: z.number(),
    type: valueTypeSchema,
    bits: z.object({ offset: z.number(), size: z.number() }).optional(),
  }),
);

/** A map of an object. `type` is the kernel's name in lower case: `hash`, `array`, `percpu_array`, `lpm_trie`, … */
export const mapSchemaSchema = z.object({
  name: z.string(),
  type: z.string(),
  keyBytes: z.number().int(),
  valueBytes: z.number().int(),
  entriesMax: z.number().int(),
  flags: z.number().int(),
  key: valueTypeSchema.optional(),
  value: valueTypeSchema.optional(),
  /** The object asks that the map be pinned by its name (shared by the object's programs, kept over reloads). */
  pinning: z.literal('by-name').optional(),
  /** The definition of the maps that a map of maps holds. */
  inner: z
    .object({
      type: z.string(),
      keyBytes: z.number().int(),
      valueBytes: z.number().int(),
      entriesMax: z.number().int(),
      flags: z.number().int(),
    })
    .optional(),
});
export type MapSchema = z.infer<typeof mapSchemaSchema>;

/** A `const volatile` global: a constant that is set before the program is loaded. */
export const constantSchemaSchema = z.object({
  name: z.string(),
  section: z.string(),
  offset: z.number().int(),
  type: valueTypeSchema,
});
export type ConstantSchema = z.infer<typeof constantSchemaSchema>;

/** A program of an object. `type` is the kernel's name in lower case: `xdp`, `sched_cls`, `tracepoint`, …, or null when the section does not say. */
export const programSchemaSchema = z.object({
  name: z.string(),
  section: z.string(),
  type: z.string().nullable(),
  frags: z.boolean().optional(),
});
export type ProgramSchema = z.infer<typeof programSchemaSchema>;

/** What can be said of an object without a kernel: published with its package, used to validate documents and to print maps. */
export const objectSchemaSchema = z.object({
  programs: z.array(programSchemaSchema),
  maps: z.array(mapSchemaSchema),
  constants: z.array(constantSchemaSchema),
  license: z.string().optional(),
});
export type ObjectSchema = z.infer<typeof objectSchemaSchema>;
