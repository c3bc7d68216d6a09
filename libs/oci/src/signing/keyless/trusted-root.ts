import { cannot, L3afError } from '@l3af/contracts';
import type { TrustedRoot } from '@l3af/contracts';
import type { Verifier } from '@sigstore/verify';

/** What a signature by certificate is held against: authorities and logs, ready for use. */
export type RootVerifier = Verifier;

/**
 * Reads a sigstore `trusted_root.json`. What it names is demanded of every signature: a certificate by one of its
 * authorities; a timestamp by that of its logs which says when; and, where it names certificate logs, their word
 * that the certificate was issued in public. Throws `invalid-request` when it is none, or could prove no time.
 * No network is used, then or later.
 */
export async function openTrustedRoot({ name, root }: TrustedRoot): Promise<RootVerifier> {
  // Few need them: who checks keys alone does not pay for it in memory.
  const [{ TrustedRoot }, { toTrustMaterial, Verifier }] = await Promise.all([
    import('@sigstore/protobuf-specs'),
    import('@sigstore/verify'),
  ]);
  const refuse = (state: string, cause?: unknown): L3afError =>
    new L3afError('invalid-request', cannot('use', 'trusted root', name, state), { cause });
  const isList = (value: unknown): boolean => value === undefined || Array.isArray(value);
  const lists = ['certificateAuthorities', 'tlogs', 'ctlogs', 'timestampAuthorities'];
  // The library takes what is no list for an empty one.
  if (!lists.every((list) => isList(root[list]))) throw refuse('it is no trusted_root.json of sigstore');
  let material;
  try {
    material = toTrustMaterial(TrustedRoot.fromJSON(root));
  } catch (cause) {
    throw refuse('it is no trusted_root.json of sigstore', cause);
  }
  const { certificateAuthorities, tlogs, timestampAuthorities, ctlogs } = material;
  if (certificateAuthorities.length === 0) throw refuse('it has no certificate authority, needs one');
  if (tlogs.length + timestampAuthorities.length === 0)
    throw refuse(
      'it has neither a log nor a timestamp authority, needs one to tell when something was signed',
    );
  return new Verifier(material, {
    ctlogThreshold: Math.min(ctlogs.length, 1),
    tlogThreshold: Math.min(tlogs.length, 1),
    timestampThreshold: 1,
  });
}
