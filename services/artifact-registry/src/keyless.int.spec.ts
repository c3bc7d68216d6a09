import { packageSubject } from '@l3af/contracts';
import type { ObjectSchema, Trusted, TrustedIdentity } from '@l3af/contracts';
import {
  attachReferrer,
  blobOf,
  buildImage,
  cosignPredicate,
  descriptorOf,
  documentBytes,
  generateSigningKey,
  mediaTypes,
  openTrustedRoot,
  type RegistryClient,
  signatureTag,
  signDigest,
  verifySignature,
} from '@l3af/oci';
import { createKeylessAuthority } from '@l3af/testing';
import type { KeylessAuthority, KeylessOptions } from '@l3af/testing';
import { useServers } from './testing/use-servers';

const schema: ObjectSchema = { programs: [], maps: [], constants: [], license: 'GPL' };
const issuer = 'https://ci.example.org';
const identity = 'https://ci.example.org/firewall/release@v1';

describe('signatures by certificates that live for minutes', () => {
  const servers = useServers();
  let client: RegistryClient;
  let authority: KeylessAuthority;
  let other: KeylessAuthority;
  let count = 0;
  beforeAll(async () => {
    ({ client } = await servers.start());
    [authority, other] = await Promise.all([createKeylessAuthority(), createKeylessAuthority()]);
  });

  const push = async () => {
    const bytes = Buffer.from(`\x7fELF of package ${++count}`);
    const name = `acme/keyless-${count}`;
    const { digest } = await client.push(
      buildImage({ objects: [{ architecture: 'amd64', bytes }], schema }),
      name,
      ['1'],
    );
    return { name, digest };
  };
  type Package = Awaited<ReturnType<typeof push>>;
  const forms = {
    /** A bundle as referrer. */
    async bundle({ name, digest }: Package, options: Partial<KeylessOptions> = {}, by = authority) {
      const statement = documentBytes({
        _type: 'https://in-toto.io/Statement/v1',
        subject: [{ digest: { sha256: digest.slice(7) } }],
        predicateType: cosignPredicate,
        predicate: {},
      });
      const bytes = documentBytes(await by.bundle(statement, { identity, issuer, ...options }));
      await attachReferrer(client, name, digest, { artifactType: mediaTypes.sigstoreBundle, bytes });
    },
    /** A layer under the legacy tag. */
    async tag({ name, digest }: Package, options: Partial<KeylessOptions> = {}, by = authority) {
      const payload = blobOf(
        mediaTypes.simpleSigning,
        documentBytes({
          critical: {
            identity: { 'docker-reference': name },
            image: { 'docker-manifest-digest': digest },
            type: 'cosign container image signature',
          },
          optional: null,
        }),
      );
      const annotations = await by.annotations(payload.bytes, { identity, issuer, ...options });
      const config = blobOf(mediaTypes.config, Buffer.from('{}'));
      for (const { bytes } of [payload, config]) await client.putBlob(name, bytes);
      const bytes = documentBytes({
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: descriptorOf(config),
        layers: [{ ...descriptorOf(payload), annotations }],
      });
      await client.putManifest(name, signatureTag(digest), { bytes, mediaType: mediaTypes.manifest });
    },
  };
  const trusting = (changes: Partial<TrustedIdentity> = {}, more: Partial<Trusted> = {}): Trusted => ({
    signers: [],
    identities: [
      {
        name: 'release pipeline',
        identity: 'https://ci.example.org/firewall/*',
        issuer,
        root: 'example',
        packages: ['acme/*'],
        ...changes,
      },
    ],
    trustedRoots: [{ name: 'example', root: authority.trustedRoot }],
    ...more,
  });
  const verify = ({ name, digest }: Package, trusted = trusting()) =>
    verifySignature(client, name, digest, trusted);
  const refusal = (message: RegExp) => ({
    code: 'signature-untrusted',
    message: expect.stringMatching(message) as string,
  });

  describe.each(['bundle', 'tag'] as const)('in the form of a %s', (form) => {
    const signed = async (options: Partial<KeylessOptions> = {}, by?: KeylessAuthority) => {
      const one = await push();
      await forms[form](one, options, by);
      return one;
    };

    it('count when a trusted root issued and logged them for an identity that is trusted', async () => {
      const one = await signed();
      expect(await verify(one)).toEqual({ keyId: identity, name: 'release pipeline', issuer });
      const { events } = (await servers.bus.store.last(packageSubject(one.name)))!;
      expect(events).toMatchObject([{ type: 'PackageSigned', data: { keyId: identity, form } }]);
    });

    it.each([
      ['another identity', { identity: 'https://ci.example.org/other/*' }],
      ['another issuer', { issuer: 'https://elsewhere.example.org' }],
    ])('are refused when %s is trusted', async (_, changes) => {
      await expect(verify(await signed(), trusting(changes))).rejects.toMatchObject(
        refusal(
          /"https:\/\/ci\.example\.org\/firewall\/release@v1" of issuer ".*" signed it, who is not trusted/,
        ),
      );
    });

    it('are refused for packages that the identity may not sign, and with no identity at all', async () => {
      const one = await signed();
      await expect(verify(one, trusting({ packages: ['other/*'] }))).rejects.toMatchObject(
        refusal(/0 keys trusted for this name/),
      );
      await expect(verify(one, { signers: [] })).rejects.toMatchObject(refusal(/0 keys trusted/));
    });

    it('are refused when the identity is revoked, whatever pattern trusts it', async () => {
      const revoking = trusting({ identity: '*' }, { revoked: [identity] });
      await expect(verify(await signed(), revoking)).rejects.toMatchObject(refusal(/is revoked/));
    });

    it('are refused when another authority issued the certificate', async () => {
      await expect(verify(await signed({}, other))).rejects.toMatchObject(
        refusal(/a certificate fails against root "example": .*certificate/i),
      );
    });

    it('are refused when nothing proves that they were made while the certificate lived', async () => {
      await expect(verify(await signed({ withoutLog: true }))).rejects.toMatchObject(
        refusal(/expected 1 timestamps, got 0/),
      );
    });

    it('are refused when the log took them after the certificate had expired', async () => {
      const loggedAt = new Date(Date.now() + 3_600_000);
      await expect(verify(await signed({ loggedAt }))).rejects.toMatchObject(refusal(/expired/));
    });

    it('are refused when no certificate log has seen the certificate', async () => {
      await expect(verify(await signed({ withoutCtLog: true }))).rejects.toMatchObject(
        refusal(/expected 1 SCTs, got 0/),
      );
    });

    it.each(['integratedTime', 'logIndex'])(
      "are refused when the log's entry was changed: %s",
      async (field) => {
        const tamper = (entry: Record<string, unknown>): void => {
          const value = Number(entry[field]) + 1;
          entry[field] = typeof entry[field] === 'string' ? String(value) : value;
        };
        await expect(verify(await signed({ tamper }))).rejects.toMatchObject(
          refusal(/a certificate fails against root "example": .*(inclusion|proof|promise|SET)/i),
        );
      },
    );

    it("are refused when the log's entry is of another signature", async () => {
      const stolen: Record<string, unknown> = {};
      await signed({ tamper: (entry) => void Object.assign(stolen, structuredClone(entry)) });
      const tamper = (entry: Record<string, unknown>): void => void Object.assign(entry, stolen);
      await expect(verify(await signed({ tamper }))).rejects.toMatchObject(
        refusal(/a certificate fails against root "example": /),
      );
    });
  });

  it('stand beside signatures by keys', async () => {
    const one = await push();
    const key = generateSigningKey();
    await forms.bundle(one, {}, other);
    await signDigest(client, one.name, one.digest, key.privateKey);
    const signers = [{ name: 'ann', publicKey: key.publicKey, packages: ['*'] }];
    expect(await verify(one, trusting({}, { signers }))).toMatchObject({ name: 'ann' });
    await expect(verify(one)).rejects.toMatchObject({ code: 'signature-untrusted' });
  });

  it.each([
    [{ certificateAuthorities: [] }, /no certificate authority/],
    [{ tlogs: [] }, /neither a log nor a timestamp authority/],
    [{ certificateAuthorities: 'x' }, /no trusted_root\.json/],
  ])('need a root that can prove them: %j is none', async (changes, message) => {
    const root = { ...authority.trustedRoot, ...changes };
    await expect(openTrustedRoot({ name: 'example', root })).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringMatching(message) as string,
    });
  });
});
