import { objectSizeBytesMax, deriveSchema } from '@l3af/bpf-object';
import { cannot, L3afError, packageNameSchema, versionSchema } from '@l3af/contracts';
import { z } from 'zod';

/** The largest archive of sources. */
export const archiveBytesMax = 64 * 1024 * 1024;

const fileNameSchema = z
  .string()
  .max(255)
  .regex(/^[^/\\\x00-\x1f]+$/, 'must be a file name without its folder')
  .refine((name) => name !== '.' && name !== '..', 'must be a file name');
const folderSchema = z
  .string()
  .max(1000)
  .refine(
    (folder) => !folder.startsWith('/') && !folder.split('/').includes('..'),
    'must be a folder inside the source',
  );

const namingShape = { name: packageNameSchema.optional(), version: versionSchema.optional() };

export const archiveQuerySchema = z.object({
  ...namingShape,
  fileName: fileNameSchema.default('source.tar.gz'),
  folder: folderSchema.optional(),
});
export const objectQuerySchema = z.object({ ...namingShape, fileName: fileNameSchema.default('kf.bpf.o') });

/** A password before the host; over http, anything before the host, since tokens stand there; a token in the query. */
const carriesSecret = (url: string): boolean =>
  /^\w+:\/\/[^/?#@]*:[^/?#]*@/.test(url) ||
  /^https?:\/\/[^/?#]*@/i.test(url) ||
  /[?&][^=&#]*(token|password|secret|key|auth)[^=&#]*=/i.test(url);

const gitUrl = z
  .string()
  .max(2000)
  .regex(/^((https?|ssh|git|file):\/\/[^\s]+|[\w.-]+@[\w.-]+:[^\s]+)$/, 'must be a git URL')
  .refine(
    (url) => !carriesSecret(url),
    'must not carry a password or token: it would be kept for ever; name a credential of the builder instead',
  )
  .describe('https://…, ssh://…, git@host:path');

export const gitBuildSchema = z.strictObject({
  git: z.strictObject({
    url: gitUrl,
    ref: z
      .string()
      .max(500)
      .regex(/^[^-\s][^\s]*$/, 'must be a branch, tag or commit')
      .optional(),
    folder: folderSchema.optional(),
    credential: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'must be the name of a credential that the builder holds')
      .optional(),
  }),
  ...namingShape,
});

/** Passes chunks on until there are too many; what does not start as its kind should is refused at once. */
export async function* limited(
  content: AsyncIterable<Uint8Array>,
  { bytesMax, magic, what }: { bytesMax: number; magic: number[]; what: string },
): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  let head: Uint8Array = new Uint8Array();
  for await (const chunk of content) {
    sizeBytes += chunk.length;
    if (sizeBytes > bytesMax) throw tooLarge(what, bytesMax);
    if (head.length < magic.length) head = checkHead(Buffer.concat([head, chunk]), { magic, what });
    yield chunk;
  }
  if (sizeBytes === 0)
    throw new L3afError('invalid-request', cannot('accept', 'upload', what, 'it is empty'));
}

function checkHead(head: Uint8Array, { magic, what }: { magic: number[]; what: string }): Uint8Array {
  if (magic.every((byte, at) => at >= head.length || head[at] === byte)) return head;
  throw new L3afError('invalid-request', cannot('accept', 'upload', what, 'its content is something else'));
}

export const gzip = { bytesMax: archiveBytesMax, magic: [0x1f, 0x8b], what: 'tar.gz archive' };

/** Reads a compiled object and refuses one that nobody could load: `invalid-object` says why. */
export async function readObject(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const limits = { bytesMax: objectSizeBytesMax, magic: [], what: 'object' };
  for await (const chunk of limited(content, limits)) chunks.push(chunk);
  const object = Buffer.concat(chunks);
  deriveSchema(object);
  return object;
}

function tooLarge(what: string, bytesMax: number): L3afError {
  return new L3afError(
    'payload-too-large',
    cannot('accept', 'upload', what, `needs ${bytesMax} bytes or fewer`),
  );
}
