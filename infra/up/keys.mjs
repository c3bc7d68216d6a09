// The signing key: made at first start, kept for ever, replaced by a user's own by writing the two files.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes `signing.key` (PKCS8, ECDSA P-256) and `signing.pub` when they are not there. */
export function ensureSigningKey(folder) {
  const keyPath = join(folder, 'signing.key');
  const publicPath = join(folder, 'signing.pub');
  if (existsSync(keyPath) && existsSync(publicPath)) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  // The public key first: its absence is what says that the pair was not completed.
  writeFileSync(`${keyPath}.new`, privateKey, { mode: 0o600 });
  writeFileSync(publicPath, publicKey);
  renameSync(`${keyPath}.new`, keyPath);
}
