import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { L3afError, cannot, trustChangedSchema, type TrustedSigner } from '@l3af/contracts';
import { publicKeyOf, signDigest, signersOfPem, verifySignature } from '@l3af/oci';
import type { Argument, Command } from 'commander';
import { homeOf } from '../api/address';
import { findRegistry, type RegistryOptions } from '../api/registry-address';
import type { Session } from '../session';
import type { Surroundings } from '../surroundings';
import { action, registryOption } from '../usage';
import { resolvePackage } from './resolve-package';

interface VerifyOptions extends RegistryOptions {
  key?: string;
}

/** `kf sign` and `kf verify`. */
export function addSigningCommands(kf: Command, surroundings: Surroundings, reference: () => Argument): void {
  const sign = kf
    .command('sign')
    .description('sign a version with a key of your own')
    .addArgument(reference())
    .requiredOption('--key <file>', 'private key, PKCS8 PEM: ECDSA P-256 or ed25519')
    .addOption(registryOption());
  action<RegistryOptions & { key: string }>(sign, surroundings, async (session, options, [text]) => {
    const pem = await readKey(options.key);
    publicKeyOf(pem); // refused before anything is asked
    const registry = await findRegistry(session, options);
    const { name, digest } = await resolvePackage(session, registry, text!);
    const { keyId } = await signDigest(registry.client, name, digest, pem);
    session.print.result({ name, digest, keyId }, () => `${name}@${digest} is signed by ${keyId}`);
  });

  const verify = kf
    .command('verify')
    .description('check that a version is signed by a key that is trusted')
    .addArgument(reference())
    .option('--key <file>', 'public keys, PEM; default: those that nodes trust')
    .addOption(registryOption());
  action<VerifyOptions>(verify, surroundings, async (session, options, [text]) => {
    const signers = await trusted(session, options);
    const registry = await findRegistry(session, options);
    const { name, digest } = await resolvePackage(session, registry, text!);
    const signer = await verifySignature(registry.client, name, digest, signers);
    const value = { name, digest, keyId: signer.keyId, signer: signer.name };
    session.print.result(value, () => `${name}@${digest} is signed by ${signer.name} (${signer.keyId})`);
  });
}

/** The PEM text of a key file. */
export const readKey = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: Error) => {
    throw new L3afError('invalid-request', `Cannot read key "${path}": ${cause.message}`, {
      hint: '`openssl genpkey -algorithm ed25519 -out my.key` makes one',
    });
  });

/** The keys of a file; else those that the nodes of the group "default" trust; else the one of what runs here. */
async function trusted(session: Session, options: VerifyOptions): Promise<TrustedSigner[]> {
  const { key: file } = options;
  if (file !== undefined) {
    const signers = signersOfPem(await readKey(file), file);
    if (signers.length > 0) return signers;
    throw new L3afError('invalid-request', cannot('use', 'key', file, 'it holds no public key, needs PEM'));
  }
  try {
    return (await session.api.ask('/v1/trust/default', trustChangedSchema.shape.data)).signers;
  } catch (error) {
    if (!(error instanceof L3afError) || error.code !== 'unknown-object') throw error;
    const { env, root } = session.surroundings;
    const isLocal = options.api === undefined && !env.L3AF_API;
    const local = join(homeOf(env, root), 'keys', 'signing.pub');
    if (isLocal && existsSync(local)) return signersOfPem(await readKey(local), local);
    throw new L3afError('signature-untrusted', 'Cannot verify: no trust is set for the group "default"', {
      hint: 'Name the keys: --key FILE, or set what nodes trust: PUT /v1/trust/default',
    });
  }
}
