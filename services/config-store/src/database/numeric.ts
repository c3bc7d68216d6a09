import type { ValueTransformer } from 'typeorm';

/** Sequences and sizes are far below 2^53; pg hands out bigint as text. */
export const numeric: ValueTransformer = {
  to: (value: number | null) => value,
  from: (value: string | number | null) => (value === null ? null : Number(value)),
};
