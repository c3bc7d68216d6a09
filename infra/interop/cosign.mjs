// sigstore's cosign both ways: it verifies what we sign, and we verify what it signs, in both of its forms.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../up/home.mjs';
import { withRegistry } from './site.mjs';

const name = 'interop/cosign';
const subject = (host, digest) => `${host}/${name}@${digest}`;

/** An outcome for each direction and form. */
export async function checkCosign(tool, folder) {
  const oci = createRequire(import.meta.url)(join(root, 'libs/oci'));
  const { buildImage, generateSigningKey, RegistryClient, signDigest, verifySignature } = oci;
  const run = (...args) => {
    const env = { ...process.env, COSIGN_PASSWORD: '', HOME: folder };
    const { status, stdout, stderr } = spawnSync(tool, args, { env, cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`cosign ${args.join(' ')}: ${status}\n${stdout}${stderr}`);
  };
  const outcomes = [];
  const attempt = async (title, work) => {
    const error = await Promise.resolve()
      .then(work)
      .then(
        () => undefined,
        (failure) => String(failure.message),
      );
    outcomes.push({ title, ...(error !== undefined && { error }) });
  };
  run('generate-key-pair');
  const publicKey = readFileSync(join(folder, 'cosign.pub'), 'utf8');
  const common = ['--allow-http-registry'];

  await withRegistry({ folder }, async (host) => {
    const client = new RegistryClient(`http://${host}`);
    const push = async () => {
      const bytes = Buffer.concat([Buffer.from('\x7fELF'), randomBytes(1000)]);
      const objects = [{ architecture: 'amd64', bytes }];
      const image = buildImage({ objects, schema: { programs: [], maps: [], constants: [] } });
      const version = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
      return (await client.push(image, name, [version])).digest;
    };
    for (const kind of ['ecdsa-p256', 'ed25519']) {
      const key = generateSigningKey(kind);
      const digest = await push();
      await signDigest(client, name, digest, key.privateKey);
      const file = join(folder, `${kind}.pub`);
      writeFileSync(file, key.publicKey);
      for (const bundle of ['true', 'false'])
        await attempt(`cosign verifies our ${kind} signature, bundle ${bundle}`, () =>
          run(
            ...['verify', '--key', file, '--insecure-ignore-tlog=true', ...common],
            ...[`--new-bundle-format=${bundle}`, subject(host, digest)],
          ),
        );
    }
    for (const bundle of ['true', 'false'])
      await attempt(`we verify cosign's signature, bundle ${bundle}`, async () => {
        const digest = await push();
        run(
          ...['sign', '--key', 'cosign.key', '--use-signing-config=false', '--tlog-upload=false', ...common],
          ...['-y', `--new-bundle-format=${bundle}`, subject(host, digest)],
        );
        const signers = [{ name: 'cosign', publicKey, packages: ['*'] }];
        await verifySignature(client, name, digest, signers);
      });
  });
  return outcomes;
}
