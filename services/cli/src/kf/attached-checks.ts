import {
  attachmentTypes,
  provenancePredicate,
  userspaceType,
  verifiedPredicate,
  verifiedStatementSchema,
  type Trusted,
} from '@l3af/contracts';
import {
  cosignPredicate,
  mediaTypes,
  readStatement,
  SignerFinder,
  type Descriptor,
  type RegistryClient,
  type VerifiedSigner,
} from '@l3af/oci';

/** What is attached to a version, and whose it is. */
export interface AttachedCheck {
  /** What it is, in words. */
  what: string;
  /** Of the artifact; of a statement, its predicate's. */
  type: string;
  /** Of the referrer that holds it. */
  digest: string;
  /**
   * `trusted`: somebody signed it who is trusted; `untrusted`: nobody did who is; `invalid`: it claims to be a signed
   * statement and is none about this version; `unsigned`: a file beside, which nobody signs.
   */
  state: 'trusted' | 'untrusted' | 'invalid' | 'unsigned';
  signer: VerifiedSigner | null;
  /** What is wrong with it; absent when nothing is. */
  problem?: string;
}

export interface CheckedVersion {
  client: RegistryClient;
  name: string;
  digest: string;
  trust: Trusted;
}

/** More are not looked at: whoever may push may attach any number. */
const checkedMax = 256;

const words: Record<string, string> = {
  [provenancePredicate]: 'provenance',
  [verifiedPredicate]: 'verified on kernels',
  [attachmentTypes.sbom]: 'SBOM',
  [attachmentTypes.readme]: 'readme',
  [attachmentTypes.tests]: 'packet tests',
  [attachmentTypes.report]: 'static report',
  [attachmentTypes.object]: 'object',
  [userspaceType]: 'userspace program',
};

/** Checks everything attached to a version but its own signatures: statements first, then what is not signed. */
export async function checkAttached(version: CheckedVersion): Promise<AttachedCheck[]> {
  const { client, name, digest } = version;
  const referrers = (await client.referrers(name, digest)).slice(0, checkedMax);
  const statements: AttachedCheck[] = [];
  const files: AttachedCheck[] = [];
  for (const referrer of referrers) {
    const type = referrer.annotations?.['dev.sigstore.bundle.predicateType'];
    if (referrer.artifactType !== mediaTypes.sigstoreBundle) files.push(unsigned(referrer));
    // A bundle that says nothing of what it holds is a signature, as are those of this type.
    else if (type !== undefined && type !== cosignPredicate)
      statements.push(await checkStatement(version, referrer.digest, type));
  }
  return [...statements, ...files];
}

function unsigned({ artifactType, mediaType, digest, annotations }: Descriptor): AttachedCheck {
  const type = artifactType ?? mediaType;
  const title = annotations?.['org.opencontainers.image.title'];
  const cpu = [annotations?.['io.l3af.architecture'], annotations?.['io.l3af.cpu']];
  const said = [words[type] ?? type, title, ...cpu].filter((part) => part !== undefined);
  return { what: said.join(' '), type, digest, state: 'unsigned', signer: null };
}

async function checkStatement(
  { client, name, digest, trust }: CheckedVersion,
  referrer: string,
  type: string,
): Promise<AttachedCheck> {
  const check = { what: words[type] ?? type, type, digest: referrer, signer: null };
  const found = await readStatement(client, { name, digest, predicateType: type }, referrer);
  if (!found) return { ...check, state: 'invalid', problem: 'it is no such statement about this version' };
  const what = type === verifiedPredicate ? kernelText(found.predicate) : check.what;
  const finder = new SignerFinder(name, trust);
  const signer = await finder.signerOf(found);
  if (signer) return { ...check, what, state: 'trusted', signer };
  const { claimedKeyId } = found;
  const whose = claimedKeyId === undefined ? '' : `, it says that key ${claimedKeyId.slice(0, 16)} did`;
  const problem = [`nobody signed it who is trusted${whose}`, ...finder.refusals].join('; ');
  return { ...check, what, state: 'untrusted', problem };
}

function kernelText(predicate: unknown): string {
  const said = verifiedStatementSchema.safeParse(predicate).data;
  if (!said) return 'verified on a kernel';
  return `${said.loaded ? 'verified on' : 'refused by'} kernel ${said.kernel} ${said.architecture}`;
}
