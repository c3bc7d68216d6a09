export { attachReferrer, putReferrer } from './attach-referrer';
export type { Attachment } from './attach-referrer';
export { readBounded } from './body';
export { blobOf, buildImage, descriptorOf, labelsOf } from './build-image';
export type { Blob, ImageFiles, ImageInput } from './build-image';
export { checkDigest, digestOf } from './digest';
export {
  descriptorSchema,
  documentBytes,
  imageConfigSchema,
  imageIndexSchema,
  imageManifestSchema,
  parseDocument,
} from './documents';
export type { Descriptor, ImageConfig, ImageIndex, ImageManifest } from './documents';
export type { Credentials } from './http';
export { isIndexType, manifestAccept, mediaTypes, sizeLimits } from './media-types';
export { goArchitecture, manifestsOf, readImage, readLabels, sourceOf } from './read-image';
export type { ContentSource, PulledObject } from './read-image';
export { fallbackTag, RegistryClient } from './registry-client';
export type { ClientOptions, PutManifestOptions, Resolved } from './registry-client';
export { findSignatures, signatureOfBundle, signatureOfPayload } from './signing/find-signatures';
export type { FoundSignature } from './signing/find-signatures';
export { listStatements, readStatement, statementOfBundle } from './signing/find-statements';
export type { FoundStatement } from './signing/find-statements';
export { openTrustedRoot } from './signing/keyless/trusted-root';
export { generateSigningKey, keyIdOf, publicKeyOf, signersOfPem } from './signing/keys';
export { cosignPredicate } from './signing/payloads';
export { attachStatement, keyIdAnnotation, signatureTag, signDigest } from './signing/sign-digest';
export type { SignedStatement } from './signing/sign-digest';
export { SignerFinder } from './signing/signer-finder';
export type { Signature, VerifiedSigner } from './signing/signer-finder';
export { matchesPattern, readTrust, readTrustFiles, trustedFor } from './signing/trust';
export { verifySignature } from './signing/verify-signature';
