import { setTimeout as delay } from 'node:timers/promises';
import { cannot, L3afError } from '@l3af/contracts';
import { type ImageFiles, type RegistryClient, signDigest } from '@l3af/oci';

export interface Publication {
  client: RegistryClient;
  image: ImageFiles;
  name: string;
  version: string;
  signingKey: string;
  /** Ends it as long as nothing is published. */
  signal: AbortSignal;
  /** Ends it whenever it comes: another builder goes on. */
  lease: AbortSignal;
  say: (step: 'push' | 'sign', line: string) => void;
}

/** How long a build waits for a registry that does not answer, before it fails. */
const patienceMs = 600_000;

/**
 * Pushes a package under its version and signs it. The same content again changes nothing; other content under a
 * version that exists is `version-exists`, also when two builders push it at once. Waits for a registry that is away.
 * Whoever cancels it does so before the version has its name, or not at all: nothing is published and left unsigned.
 */
export async function publish(publication: Publication): Promise<{ digest: string }> {
  const { client, image, name, version, say, signal } = publication;
  const named = { ...publication, signal: publication.lease };
  const existing = await patiently(publication, () => resolveVersion(client.until(signal), name, version));
  if (existing === undefined) {
    say('push', `pushing ${name}@${version} (${image.digest})`);
    await patiently(publication, () => client.until(signal).push(image, name, []));
    signal.throwIfAborted();
    await patiently(named, () => putName(publication));
  } else if (existing === image.digest)
    say('push', `${name}@${version} is there already with the same content`);
  else throw versionExists(publication, existing);
  const { keyId } = await patiently(named, () =>
    signDigest(client, name, image.digest, publication.signingKey),
  );
  say('sign', `signed by key ${keyId}`);
  return { digest: image.digest };
}

/** Names what is whole, and only if nobody has taken the name meanwhile. */
async function putName(publication: Publication): Promise<void> {
  const { client, image, name, version } = publication;
  try {
    await client.putManifest(name, version, { ...image.index, replaces: null });
  } catch (error) {
    if (!(error instanceof L3afError) || error.code !== 'conflict') throw error;
    const winner = await resolveVersion(client, name, version);
    if (winner !== image.digest) throw versionExists(publication, winner ?? 'unknown');
  }
}

async function resolveVersion(
  client: RegistryClient,
  name: string,
  version: string,
): Promise<string | undefined> {
  try {
    return (await client.resolve(name, version)).digest;
  } catch (error) {
    if (error instanceof L3afError && error.code === 'unknown-version') return undefined;
    throw error;
  }
}

function versionExists({ name, version, image }: Publication, existing: string): L3afError {
  const state = `it was published as ${existing} from other content, this is ${image.digest}`;
  return new L3afError('version-exists', cannot('publish', 'package', `${name}@${version}`, state), {
    details: { name, version, existing, digest: image.digest },
  });
}

async function patiently<T>(
  { signal, say }: Pick<Publication, 'signal' | 'say'>,
  attempt: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      const isAway = error instanceof L3afError && error.code === 'registry-unavailable';
      if (!isAway || Date.now() > deadline) throw error;
      if (tries % 10 === 0) say('push', 'the registry does not answer, waiting for it');
      await delay(Math.min(5_000, 250 * 2 ** tries), undefined, { signal });
    }
  }
}
