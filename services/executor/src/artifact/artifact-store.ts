import type { DesiredKf, ObjectSchema } from '@l3af/contracts';
import { deriveSchema } from '@l3af/bpf-object';
import { type RegistryClient, verifySignature } from '@l3af/oci';
import type { Trust } from './trust';

/** A package's object for this architecture, whose signature was verified from these very bytes. */
export interface Artifact {
  object: Uint8Array;
  schema: ObjectSchema;
  /** Who signed it. */
  keyId: string;
}

const rememberedBytesMax = 16 * 1024 * 1024;

/** Pulls and verifies packages; what was verified stays in memory until trust changes, or other packages need the room. */
export class ArtifactStore {
  private readonly remembered = new Map<string, Artifact>();
  private fingerprint = '';

  constructor(
    private readonly client: RegistryClient,
    private readonly trust: Trust,
    private readonly architecture: string,
  ) {}

  /** Throws `signature-missing`, `signature-untrusted`, `digest-mismatch`, `invalid-image`, `registry-unavailable`. */
  async get(kf: Pick<DesiredKf, 'package' | 'digest'>): Promise<Artifact> {
    if (this.fingerprint !== this.trust.fingerprint()) {
      this.remembered.clear();
      this.fingerprint = this.trust.fingerprint();
    }
    const id = `${kf.package}@${kf.digest}`;
    const known = this.remembered.get(id);
    if (known) return known;
    const artifact = await this.pull(kf);
    this.remember(id, artifact);
    return artifact;
  }

  private async pull(kf: Pick<DesiredKf, 'package' | 'digest'>): Promise<Artifact> {
    const { keyId } = await verifySignature(this.client, kf.package, kf.digest, this.trust.trusted());
    const { object } = await this.client.pullObject(kf.package, kf.digest, this.architecture);
    // Derived from the verified bytes: a label could say anything.
    return { object, keyId, schema: deriveSchema(object) };
  }

  private remember(id: string, artifact: Artifact): void {
    this.remembered.set(id, artifact);
    let bytes = [...this.remembered.values()].reduce((sum, { object }) => sum + object.length, 0);
    for (const [oldest, { object }] of this.remembered) {
      if (bytes <= rememberedBytesMax || oldest === id) return;
      this.remembered.delete(oldest);
      bytes -= object.length;
    }
  }
}
