import { setTimeout as delay } from 'node:timers/promises';
import { attachmentTypes, L3afError, verifiedPredicate, verifiedStatementSchema } from '@l3af/contracts';
import {
  imageManifestSchema,
  listStatements,
  parseDocument,
  publicKeyOf,
  readStatement,
  type RegistryClient,
} from '@l3af/oci';
import { sourceLimits } from '../sandbox/limits';
import { type Kernel, ownArchitecture, type TestFile } from './kernel';

/** A version of a package. */
export interface Version {
  name: string;
  digest: string;
}

const retryMs = 5_000;

/** Waits for a registry that is away; nothing is lost by it. */
export async function patiently<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof L3afError) || error.code !== 'registry-unavailable') throw error;
      await delay(retryMs, undefined, { signal });
    }
  }
}

/** Whether the kernel has said already, by a statement that the builder's own key signed. */
export async function isVerified(
  client: RegistryClient,
  { name, digest }: Version,
  { kernel, privateKeyPem }: { kernel: Kernel; privateKeyPem: string },
): Promise<boolean> {
  const publicKey = publicKeyOf(privateKeyPem);
  const what = { name, digest, predicateType: verifiedPredicate };
  for (const { digest: referrer } of await listStatements(client, what)) {
    const found = await readStatement(client, what, referrer);
    const said = found && verifiedStatementSchema.safeParse(found.predicate).data;
    if (said?.architecture === ownArchitecture && kernel.is(said.kernel) && found?.signedBy(publicKey))
      return true;
  }
  return false;
}

/** The object of a version for this architecture, and its packet tests; undefined when a kernel of it could not run it. */
export async function fetchSubject(
  client: RegistryClient,
  version: Version,
): Promise<{ object: Uint8Array; tests: TestFile[] } | undefined> {
  const { name, digest } = version;
  try {
    const { object } = await client.pullObject(name, digest, ownArchitecture);
    const isBigEndian = object[5] === 2;
    return isBigEndian ? undefined : { object, tests: await fetchTests(client, version) };
  } catch (error) {
    // Deleted meanwhile, for other architectures only, or no image at all: there is nothing to ask a kernel about.
    if (error instanceof L3afError && error.code !== 'registry-unavailable') return undefined;
    throw error;
  }
}

async function fetchTests(client: RegistryClient, { name, digest }: Version): Promise<TestFile[]> {
  const referrers = await client.referrers(name, digest, attachmentTypes.tests);
  const files = referrers.map(async ({ digest: referrer, annotations }): Promise<TestFile[]> => {
    const { bytes } = await client.getManifest(name, referrer);
    const [layer] = parseDocument(imageManifestSchema, bytes, referrer).layers;
    const path = annotations?.['org.opencontainers.image.title'] ?? 'tests.yaml';
    return layer ? [{ path, bytes: await client.getBlob(name, layer.digest, sourceLimits.fileBytes) }] : [];
  });
  return (await Promise.all(files)).flat();
}
