import { L3afError } from '@l3af/contracts';
import type { RegistryClient } from '@l3af/oci';

/** As `kf export` writes them: an archive or folder says where its images belong. */
export const tagAnnotation = 'org.opencontainers.image.ref.name';
export const nameAnnotation = 'io.l3af.package';
/** What cosign's older form attaches by a tag made of the digest. */
export const attachedSuffixes = ['.sig', '.att', '.sbom'];

/** The digest behind a tag, if there is one. */
export async function tagged(client: RegistryClient, name: string, tag: string): Promise<string | undefined> {
  try {
    return (await client.resolve(name, tag)).digest;
  } catch (error) {
    if (error instanceof L3afError && error.code === 'unknown-version') return undefined;
    throw error;
  }
}
