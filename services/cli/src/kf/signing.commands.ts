import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  L3afError,
  cannot,
  trustChangedSchema,
  trustedRootSchema,
  type Trusted,
  type TrustedSigner,
} from '@l3af/contracts';
import { openTrustedRoot, publicKeyOf, signDigest, signersOfPem, verifySignature } from '@l3af/oci';
import type { Argument, Command } from 'commander';
import { homeOf } from '../api/address';
import { findRegistry, type RegistryOptions } from '../api/registry-address';
import { plural } from '../output/words';
import type { Session } from '../session';
import type { Surroundings } from '../surroundings';
import { action, registryOption, UsageError } from '../usage';
import { checkAttached, type AttachedCheck } from './attached-checks';
import { signerText, verifiedText } from './attached.table';
import { askKernels } from './ask-kernels';
import { resolvePackage } from './resolve-package';

interface VerifyOptions extends RegistryOptions {
  key?: string;
  trustedRoot?: string;
  identity?: string;
  issuer?: string;
  statements?: boolean;
  onKernels?: string;
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
    .description('check that a version is signed by somebody who is trusted, and what is attached to it')
    .addArgument(reference())
    .option('--key <file>', 'public keys, PEM; default: whom nodes trust')
    .option('--trusted-root <file>', "sigstore's trusted_root.json: holds certificates against it, offline")
    .option('--identity <pattern>', 'whose certificate it must be, an email address or URI; * is anything')
    .option('--issuer <pattern>', 'who must have vouched for the identity; * is anything')
    .option('--statements', 'fail also when a statement attached is signed by nobody who is trusted')
    .option(
      '--on-kernels <releases>',
      'have builders ask their kernels about it: "all", or such as 6.1,6.12, which are waited for',
    )
    .addOption(registryOption());
  action<VerifyOptions>(verify, surroundings, async (session, options, [text]) => {
    if (options.onKernels !== undefined) return askKernels(session, text!, options.onKernels);
    const trust = await trusted(session, options);
    const registry = await findRegistry(session, options);
    const { name, digest } = await resolvePackage(session, registry, text!);
    const signer = await verifySignature(registry.client, name, digest, trust);
    const attached = await checkAttached({ client: registry.client, name, digest, trust });
    const value = { name, digest, keyId: signer.keyId, signer: signer.name };
    const { issuer } = signer;
    session.print.result({ ...value, ...(issuer !== undefined && { issuer }), attached }, () =>
      verifiedText(`${name}@${digest} is signed by ${signerText(signer)}`, attached, session.print),
    );
    const failing = attached.filter(({ problem }) => problem !== undefined);
    if (options.statements && failing.length > 0) throw failure(`${name}@${digest}`, failing);
  });
}

/** The PEM text of a key file. */
export const readKey = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: Error) => {
    throw new L3afError('invalid-request', `Cannot read key "${path}": ${cause.message}`, {
      hint: '`openssl genpkey -algorithm ed25519 -out my.key` makes one',
    });
  });

function failure(subject: string, failing: readonly AttachedCheck[]): L3afError {
  const [first = ''] = failing.map(({ what, problem = '' }) => `${what}: ${problem}`);
  const state = `${plural(failing.length, 'statement')} attached cannot be trusted, first ${first}`;
  return new L3afError('signature-untrusted', cannot('trust', 'statements of', subject, state), {
    details: { statements: failing.map(({ digest }) => digest) },
  });
}

/** Who is named; else whom the nodes of the group "default" trust; else the key of what runs here. */
async function trusted(session: Session, options: VerifyOptions): Promise<Trusted> {
  const { key: file, trustedRoot, identity, issuer } = options;
  if ([trustedRoot, identity, issuer].some((one) => one !== undefined)) {
    if (trustedRoot !== undefined && identity !== undefined && issuer !== undefined)
      return { signers: await namedKeys(file), ...(await namedIdentity({ trustedRoot, identity, issuer })) };
    throw new UsageError('--trusted-root, --identity and --issuer belong together');
  }
  if (file !== undefined) return { signers: await namedKeys(file) };
  try {
    return await session.api.ask('/v1/trust/default', trustChangedSchema.shape.data);
  } catch (error) {
    if (!(error instanceof L3afError) || error.code !== 'unknown-object') throw error;
    const { env, root } = session.surroundings;
    const isLocal = options.api === undefined && !env.L3AF_API;
    const local = join(homeOf(env, root), 'keys', 'signing.pub');
    if (isLocal && existsSync(local)) return { signers: signersOfPem(await readKey(local), local) };
    throw new L3afError('signature-untrusted', 'Cannot verify: no trust is set for the group "default"', {
      hint: 'Name the keys: --key FILE, or set what nodes trust: `l3af trust add`',
    });
  }
}

async function namedKeys(file: string | undefined): Promise<TrustedSigner[]> {
  if (file === undefined) return [];
  const signers = signersOfPem(await readKey(file), file);
  if (signers.length > 0) return signers;
  throw new L3afError('invalid-request', cannot('use', 'key', file, 'it holds no public key, needs PEM'));
}

async function namedIdentity(named: { trustedRoot: string; identity: string; issuer: string }) {
  const { trustedRoot: file, identity, issuer } = named;
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new L3afError('invalid-request', `Cannot read trusted root "${file}": ${cause.message}`);
  });
  const identities = [{ name: identity, identity, issuer, root: file, packages: [] }];
  const root = trustedRootSchema.shape.root.safeParse(jsonOf(text)).data ?? {};
  const trustedRoots = [{ name: file, root }];
  await openTrustedRoot(trustedRoots[0]!); // what is none is told as such
  return { identities, trustedRoots };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
