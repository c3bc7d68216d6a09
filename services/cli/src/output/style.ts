import { createColors } from 'picocolors';
import type { TextSink } from '../surroundings';

export type Style = ReturnType<typeof createColors>;

/** Colours for one stream: on a terminal only, and never when `NO_COLOR` is set. */
export function styleFor(sink: TextSink, env: Record<string, string | undefined>): Style {
  return createColors(sink.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb');
}

/** Columns that a table may take: the terminal's, else 100. */
export const widthOf = (sink: TextSink): number => (sink.isTTY && sink.columns ? sink.columns : 100);
