import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyPairKeyObjectResult } from 'node:crypto';

/** Who signs, and when; what is different from an ordinary signature. */
export interface KeylessOptions {
  identity: string;
  issuer: string;
  /** When its log took the signature; default: now, within the certificate's ten minutes. */
  loggedAt?: Date;
  /** A certificate that no certificate log has seen. */
  withoutCtLog?: boolean;
  /** What the log says, changed afterwards. */
  tamper?: (entry: Record<string, unknown>) => void;
  /** No word of the log at all. */
  withoutLog?: boolean;
}

/** A certificate authority with its logs, as sigstore's, made for one test. */
export interface KeylessAuthority {
  /** The `trusted_root.json` that verifies what it signs. */
  trustedRoot: Record<string, unknown>;
  /** A sigstore bundle (v0.3) with an in-toto statement of these bytes. */
  bundle(statement: Uint8Array, options: KeylessOptions): Promise<Record<string, unknown>>;
  /** The annotations of a legacy cosign signature of a payload. */
  annotations(payload: Uint8Array, options: KeylessOptions): Promise<Record<string, string>>;
}

const statementType = 'application/vnd.in-toto+json';
const issuerOid = '1.3.6.1.4.1.57264.1.8';
const ecKeys = (): KeyPairKeyObjectResult => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const pemOf = (certificate: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

interface LogEntry {
  body: string;
  integratedTime: number;
  logID: string;
  logIndex: number;
  verification: {
    signedEntryTimestamp: string;
    inclusionProof: {
      checkpoint: string;
      hashes: string[];
      logIndex: number;
      rootHash: string;
      treeSize: number;
    };
  };
}

/** Makes an authority; what it issues and logs is real, and known to nobody else. */
export async function createKeylessAuthority(): Promise<KeylessAuthority> {
  const { initializeCA } = await import('@sigstore/mock/dist/fulcio/index.js');
  const { initializeTLog } = await import('@sigstore/mock/dist/rekor/index.js');
  const [caKeys, ctKeys, logKeys] = [ecKeys(), ecKeys(), ecKeys()];
  const ctLog = certificateLog(ctKeys);
  const authority = await initializeCA(caKeys, ctLog);

  const certify = async ({ identity, issuer, withoutCtLog }: KeylessOptions) => {
    const keys = ecKeys();
    const secretive = Object.assign(Object.create(authority) as typeof authority, { ctLog: undefined });
    const issuing = withoutCtLog ? secretive : authority;
    const certificate = await issuing.issueCertificate({
      publicKey: keys.publicKey.export({ format: 'der', type: 'spki' }),
      subjectAltName: identity,
      extensions: [{ oid: issuerOid, value: issuer }],
    });
    return { certificate, signBytes: (bytes: Uint8Array) => sign('sha256', bytes, keys.privateKey) };
  };

  const log = async (entry: object, { loggedAt }: KeylessOptions): Promise<LogEntry> => {
    const rekor = await initializeTLog('https://log.example.org', logKeys, loggedAt);
    return Object.values(await rekor.log(entry))[0] as LogEntry;
  };

  return {
    trustedRoot: rootOf({ ca: authority.rootCertificate, ct: ctLog.publicKey, log: spkiOf(logKeys) }),
    async bundle(statement, options) {
      const { certificate, signBytes } = await certify(options);
      const head = `DSSEv1 ${statementType.length} ${statementType} ${statement.length} `;
      const signature = signBytes(Buffer.concat([Buffer.from(head), statement])).toString('base64');
      const payloadHash = { algorithm: 'sha256', value: sha256(statement).toString('hex') };
      const verifier = Buffer.from(pemOf(certificate)).toString('base64');
      const spec = { envelopeHash: payloadHash, payloadHash, signatures: [{ signature, verifier }] };
      const entry = entryOf(await log({ apiVersion: '0.0.1', kind: 'dsse', spec }, options), 'dsse');
      options.tamper?.(entry);
      return {
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: {
          certificate: { rawBytes: certificate.toString('base64') },
          tlogEntries: options.withoutLog ? [] : [entry],
        },
        dsseEnvelope: {
          payload: Buffer.from(statement).toString('base64'),
          payloadType: statementType,
          signatures: [{ sig: signature }],
        },
      };
    },
    async annotations(payload, options) {
      const { certificate, signBytes } = await certify(options);
      const signature = signBytes(payload).toString('base64');
      const publicKey = { content: Buffer.from(pemOf(certificate)).toString('base64') };
      const hash = { algorithm: 'sha256', value: sha256(payload).toString('hex') };
      const spec = { data: { hash }, signature: { content: signature, publicKey } };
      const { body, integratedTime, logID, logIndex, verification } = await log(
        { apiVersion: '0.0.1', kind: 'hashedrekord', spec },
        options,
      );
      const bundle = {
        SignedEntryTimestamp: verification.signedEntryTimestamp,
        Payload: { body, integratedTime, logIndex, logID },
      };
      options.tamper?.(bundle.Payload);
      return {
        'dev.cosignproject.cosign/signature': signature,
        'dev.sigstore.cosign/certificate': pemOf(certificate),
        'dev.sigstore.cosign/chain': pemOf(authority.rootCertificate),
        ...(!options.withoutLog && { 'dev.sigstore.cosign/bundle': JSON.stringify(bundle) }),
      };
    },
  };
}

const spkiOf = ({ publicKey }: KeyPairKeyObjectResult): Buffer =>
  publicKey.export({ format: 'der', type: 'spki' });

/** A certificate log (RFC 6962): it answers a certificate with its signed timestamp. */
function certificateLog(keys: KeyPairKeyObjectResult) {
  const publicKey = spkiOf(keys);
  const logID = sha256(publicKey);
  const log = (certificate: ArrayBuffer, issuer: ArrayBuffer): Promise<ArrayBuffer> => {
    const timestamp = Buffer.alloc(8);
    timestamp.writeBigUInt64BE(BigInt(Date.now()));
    const content = contentOf(Buffer.from(certificate));
    // Version 1, a timestamp; of a certificate to be, by this issuer; no extensions.
    const signed = [Buffer.of(0, 0), timestamp, Buffer.of(0, 1), Buffer.from(issuer)];
    const entry = [lengthOf(content, 3), content, Buffer.of(0, 0)];
    const signature = sign('sha256', Buffer.concat([...signed, ...entry]), keys.privateKey);
    const said = [Buffer.of(0), logID, timestamp, Buffer.of(0, 0)];
    // SHA-256, ECDSA.
    const sct = Buffer.concat([...said, Buffer.of(4, 3), lengthOf(signature, 2), signature]);
    return Promise.resolve(new Uint8Array(Buffer.concat([lengthOf(sct, 2), sct])).buffer);
  };
  return { publicKey, logID, log };
}

function lengthOf(bytes: Uint8Array, width: number): Buffer {
  const buffer = Buffer.alloc(width);
  buffer.writeUIntBE(bytes.length, 0, width);
  return buffer;
}

/** What of a certificate is signed: the first element in it, in DER. */
function contentOf(certificate: Buffer): Buffer {
  const outer = headerOf(certificate);
  const rest = certificate.subarray(outer.bytes);
  const inner = headerOf(rest);
  return rest.subarray(0, inner.bytes + inner.length);
}

/** A DER element's header: how long it is, and how long what follows. */
function headerOf(der: Buffer): { bytes: number; length: number } {
  const first = der[1] ?? 0;
  if (first < 0x80) return { bytes: 2, length: first };
  const width = first - 0x80;
  return { bytes: 2 + width, length: der.readUIntBE(2, width) };
}

/** A log's entry as bundles have it. */
function entryOf(entry: LogEntry, kind: string): Record<string, unknown> {
  const { inclusionProof: proof, signedEntryTimestamp } = entry.verification;
  return {
    logIndex: String(entry.logIndex),
    logId: { keyId: Buffer.from(entry.logID, 'hex').toString('base64') },
    kindVersion: { kind, version: '0.0.1' },
    integratedTime: String(entry.integratedTime),
    inclusionPromise: { signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: Buffer.from(proof.rootHash, 'hex').toString('base64'),
      treeSize: String(proof.treeSize),
      hashes: proof.hashes,
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: entry.body,
  };
}

function rootOf({ ca, ct, log }: { ca: Buffer; ct: Buffer; log: Buffer }): Record<string, unknown> {
  const validFor = { start: '1970-01-01T00:00:00Z' };
  const logOf = (publicKey: Buffer) => ({
    baseUrl: 'https://log.example.org',
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: publicKey.toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor,
    },
    logId: { keyId: sha256(publicKey).toString('base64') },
  });
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [logOf(log)],
    certificateAuthorities: [
      {
        subject: { organization: 'example', commonName: 'example' },
        uri: 'https://ca.example.org',
        certChain: { certificates: [{ rawBytes: ca.toString('base64') }] },
        validFor,
      },
    ],
    ctlogs: [logOf(ct)],
    timestampAuthorities: [],
  };
}
