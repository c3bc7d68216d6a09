import type { VerifiedSigner } from '@l3af/oci';
import type { Printer } from '../output/printer';
import { shortDigest } from '../output/words';
import type { AttachedCheck } from './attached-checks';

/** Under which name somebody is trusted, and by which key or certificate. */
export function signerText({ name, keyId, issuer }: VerifiedSigner): string {
  return `${name} (${issuer === undefined ? keyId : `${keyId}, says ${issuer}`})`;
}

/** Whose a version is, then a line for each of what is attached to it. */
export function verifiedText(head: string, attached: readonly AttachedCheck[], print: Printer): string {
  if (attached.length === 0) return head;
  const rows = attached.map((check) => [check.what, shortDigest(check.digest), whoseText(check, print)]);
  const columns = [{ head: 'attached' }, { head: 'digest' }, { head: 'signed by', flexible: true }];
  return `${head}\n\n${print.table(columns, rows)}`;
}

function whoseText({ state, signer, problem }: AttachedCheck, { style }: Printer): string {
  // The id first: a name may be the path of a key, which is cut where the line is short.
  if (signer) return style.green(`${shortId(signer.keyId)} (${signer.name})`);
  if (state === 'unsigned') return style.dim('not signed');
  return style.red(`${state}: ${problem ?? 'it cannot be trusted'}`);
}

/** The beginning of a key's id says which it is; an identity is said whole. */
const shortId = (keyId: string): string => (/^[0-9a-f]{64}$/.test(keyId) ? keyId.slice(0, 16) : keyId);
