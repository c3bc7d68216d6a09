import { packageViewSchema, parsePackageReference } from '@l3af/contracts';
import type { Registry } from '../api/registry-address';
import type { Session } from '../session';
import { chooseVersion } from './choose-version';

export interface ResolvedPackage {
  name: string;
  version: string;
  digest: string;
}

/** A version as the registry has it now. Without one, or by digest, the API says which version is meant. */
export async function resolvePackage(
  { api }: Session,
  { client }: Registry,
  text: string,
): Promise<ResolvedPackage> {
  const { name, version, digest } = parsePackageReference(text)!;
  if (version !== undefined) {
    return { name, version, digest: (await client.resolve(name, version)).digest };
  }
  const view = await api.ask(`/v1/packages/${encodeURIComponent(name)}`, packageViewSchema);
  const chosen = chooseVersion(view, digest);
  return { name, version: chosen.version, digest: chosen.digest };
}
