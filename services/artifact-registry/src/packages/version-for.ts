import { isDigest } from '../repository/manifest-document';
import { movingTag } from './packages';

/** A version names one content for ever, which a digest does, and a tag that moves does not. */
export const versionFor = (reference: string, digest: string): string =>
  isDigest(reference) || reference === movingTag
    ? `0.0.0-${digest.slice(digest.indexOf(':') + 1).slice(0, 12)}`
    : reference;
