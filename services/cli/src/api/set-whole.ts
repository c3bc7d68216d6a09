import { L3afError } from '@l3af/contracts';
import { z } from 'zod';
import type { Session } from '../session';

/** What the API keeps whole by a path: trust and policy of a group, labels of a node. */
export interface Whole<T> {
  path: string;
  schema: z.ZodType<T>;
  /** What it is before anybody has set it. */
  none: T;
  /** What is sent of it: the path says the rest. */
  bodyOf: (value: T) => unknown;
}

export interface Change<T> {
  value: T;
  changed: boolean;
}

const storedSchema = z.object({ sequence: z.number().int(), changed: z.boolean() });
const attemptsMax = 5;

/** What it is now, and the `If-Match` of a change to it. */
async function read<T>({ api }: Session, whole: Whole<T>): Promise<{ value: T; etag: string | null }> {
  try {
    return await api.askTagged(whole.path, whole.schema);
  } catch (error) {
    if (error instanceof L3afError && error.code === 'unknown-object')
      return { value: whole.none, etag: '"0"' };
    throw error;
  }
}

/** Changes what is only set whole. Somebody else's change in between is not lost: theirs is read, and changed again. */
export async function changeWhole<T>(
  session: Session,
  whole: Whole<T>,
  change: (value: T) => T,
): Promise<Change<T>> {
  for (let attempt = 1; ; attempt++) {
    const { value: before, etag } = await read(session, whole);
    const value = change(before);
    try {
      const { changed } = await session.api.ask(whole.path, storedSchema, {
        method: 'PUT',
        body: whole.bodyOf(value),
        headers: { ...(etag !== null && { 'if-match': etag }) },
      });
      return { value, changed };
    } catch (error) {
      const lost = error instanceof L3afError && error.code === 'conflict';
      if (!lost || attempt === attemptsMax) throw error;
    }
  }
}

/** Where nobody has set it: the API's refusal, with what sets it. */
export const hintWhenNone =
  (hint: string) =>
  (error: unknown): never => {
    if (!(error instanceof L3afError) || error.code !== 'unknown-object') throw error;
    throw new L3afError(error.code, error.message, { cause: error, hint });
  };
