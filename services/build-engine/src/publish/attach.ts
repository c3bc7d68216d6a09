import { provenancePredicate } from '@l3af/contracts';
import { type Attachment, attachReferrer, attachStatement, type RegistryClient } from '@l3af/oci';

const predicateAnnotation = 'dev.sigstore.bundle.predicateType';

export interface Attachments {
  client: RegistryClient;
  name: string;
  digest: string;
  signingKey: string;
  files: Attachment[];
  provenance: Record<string, unknown>;
}

/**
 * Attaches to a package what is known of it. Files of equal content are attached once; the provenance is that of the
 * first build, since later ones of the same source made nothing new.
 */
export async function attachAll({
  client,
  name,
  digest,
  signingKey,
  files,
  provenance,
}: Attachments): Promise<void> {
  for (const file of files) await attachReferrer(client, name, digest, file);
  const present = await client.referrers(name, digest);
  if (present.some(({ annotations }) => annotations?.[predicateAnnotation] === provenancePredicate)) return;
  await attachStatement(client, name, digest, {
    predicateType: provenancePredicate,
    predicate: provenance,
    privateKeyPem: signingKey,
  });
}
