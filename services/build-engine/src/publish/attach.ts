import { provenancePredicate } from '@l3af/contracts';
import {
  type Attachment,
  attachReferrer,
  attachStatement,
  listStatements,
  publicKeyOf,
  readStatement,
  type RegistryClient,
} from '@l3af/oci';

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
 * first build that this builder's key signed, since later ones of the same source made nothing new. What others say
 * of where it came from does not stand in its place.
 */
export async function attachAll(attachments: Attachments): Promise<void> {
  const { client, name, digest, signingKey, files, provenance } = attachments;
  for (const file of files) await attachReferrer(client, name, digest, file);
  if (await hasOwnProvenance(attachments)) return;
  await attachStatement(client, name, digest, {
    predicateType: provenancePredicate,
    predicate: provenance,
    privateKeyPem: signingKey,
  });
}

async function hasOwnProvenance({ client, name, digest, signingKey }: Attachments): Promise<boolean> {
  const wanted = { name, digest, predicateType: provenancePredicate };
  const publicKey = publicKeyOf(signingKey);
  for (const { digest: referrer } of await listStatements(client, wanted)) {
    const found = await readStatement(client, wanted, referrer);
    if (found?.signedBy(publicKey)) return true;
  }
  return false;
}
