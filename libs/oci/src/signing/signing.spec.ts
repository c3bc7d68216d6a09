import { generateKeyPairSync } from 'node:crypto';
import { signatureOfBundle, signatureOfPayload } from './find-signatures';
import { generateSigningKey, keyIdOf, publicKeyOf, signBytes, signersOfPem, verifyBytes } from './keys';
import {
  dsseEncoding,
  inTotoType,
  cosignPredicate,
  simpleSigningPayload,
  statementPayload,
} from './payloads';
import { matchesPattern, trustedFor } from './trust';

const digest = `sha256:${'a'.repeat(64)}`;
const otherDigest = `sha256:${'b'.repeat(64)}`;

describe('matchesPattern()', () => {
  it.each([
    ['firewall', 'firewall', true],
    ['firewall', '*', true],
    ['acme/firewall', 'acme/*', true],
    ['acme/a/b', 'acme/*', true],
    ['acme', 'acme/*', false],
    ['evil/acme/x', 'acme/*', false],
    ['firewall2', 'firewall', false],
    ['acme/edge/firewall', 'acme/*/firewall', true],
    ['ab', 'a*ab', false],
    ['aab', 'a*ab', true],
    ['a.b', 'a?b', false],
  ])('%s against %s: %s', (name, pattern, expected) => {
    expect(matchesPattern(name, pattern)).toBe(expected);
  });
});

describe('trustedFor()', () => {
  it('keeps the signers whose patterns cover the name', () => {
    const signer = (name: string, packages: string[]) => ({ name, publicKey: '', packages });
    const signers = [signer('all', ['*']), signer('acme', ['acme/*']), signer('none', ['other'])];
    expect(trustedFor('acme/x', signers).map(({ name }) => name)).toEqual(['all', 'acme']);
  });
});

describe.each(['ecdsa-p256', 'ed25519'] as const)('%s keys', (kind) => {
  const key = generateSigningKey(kind);
  it('sign and verify', () => {
    const bytes = Buffer.from('bytes');
    const signature = signBytes(bytes, key.privateKey);
    expect(verifyBytes(bytes, signature, key.publicKey)).toBe(true);
    expect(verifyBytes(Buffer.from('other'), signature, key.publicKey)).toBe(false);
    expect(verifyBytes(bytes, Buffer.from('nonsense'), key.publicKey)).toBe(false);
    expect(verifyBytes(bytes, signature, generateSigningKey(kind).publicKey)).toBe(false);
  });

  it('are named by their public half', () => {
    expect(publicKeyOf(key.privateKey)).toBe(key.publicKey);
    expect(keyIdOf(key.publicKey)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('make signatures of one digest only', () => {
    const payload = simpleSigningPayload('registry/name', digest);
    const signature = {
      'dev.cosignproject.cosign/signature': signBytes(payload, key.privateKey).toString('base64'),
    };
    expect(signatureOfPayload(payload, signature, digest)?.signedBy(key.publicKey)).toBe(true);
    expect(signatureOfPayload(payload, signature, otherDigest)).toBeUndefined();
    const forged = Buffer.from(Buffer.from(payload).toString().replace('a'.repeat(64), 'b'.repeat(64)));
    expect(signatureOfPayload(forged, signature, otherDigest)?.signedBy(key.publicKey)).toBe(false);
  });

  const bundleOf = (statement: Uint8Array, payloadType = inTotoType) =>
    Buffer.from(
      JSON.stringify({
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: { publicKey: { hint: '' } },
        dsseEnvelope: {
          payload: Buffer.from(statement).toString('base64'),
          payloadType,
          signatures: [
            { sig: signBytes(dsseEncoding(inTotoType, statement), key.privateKey).toString('base64') },
          ],
        },
      }),
    );

  it('make bundles that count only for their digest, type and predicate', () => {
    const statement = statementPayload(digest, cosignPredicate, {});
    expect(signatureOfBundle(bundleOf(statement), digest)?.signedBy(key.publicKey)).toBe(true);
    expect(signatureOfBundle(bundleOf(statement), otherDigest)).toBeUndefined();
    expect(signatureOfBundle(bundleOf(statement, 'text/plain'), digest)?.signedBy(key.publicKey)).toBe(false);
    // A signed statement of another kind says nothing about whether to trust the package.
    const provenance = statementPayload(digest, 'https://slsa.dev/provenance/v1', {});
    expect(signatureOfBundle(bundleOf(provenance), digest)).toBeUndefined();
    expect(signatureOfBundle(Buffer.from('{}'), digest)).toBeUndefined();
  });
});

describe('keys of other kinds', () => {
  it('are refused', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(() => keyIdOf(pem)).toThrow(/it is secp256k1, needs ECDSA P-256 or ed25519/);
    expect(() => keyIdOf('nonsense')).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });
});

describe('signersOfPem()', () => {
  it('reads every key of a text', () => {
    const keys = [generateSigningKey().publicKey, generateSigningKey('ed25519').publicKey];
    const signers = signersOfPem(`comment\n${keys.join('\n')}`, 'keys.pem');
    expect(signers.map(({ name }) => name)).toEqual(['keys.pem#1', 'keys.pem#2']);
    expect(signers.map(({ publicKey }) => keyIdOf(publicKey))).toEqual(keys.map(keyIdOf));
  });
});
