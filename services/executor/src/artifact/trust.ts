import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type TrustedSigner, trustSubject } from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';
import { keyIdOf, signersOfPem } from '@l3af/oci';

/** The node group that every node belongs to. */
const everyNode = 'default';

/** Whom this node trusts: the keys in its own file or folder, and those that the control plane says, minus the revoked. */
export class Trust {
  private readonly local: TrustedSigner[];
  private remote: { signers: TrustedSigner[]; revoked: string[] } = { signers: [], revoked: [] };

  constructor(
    path: string | undefined,
    private readonly changed: () => void,
  ) {
    this.local = path === undefined ? [] : readSigners(path);
  }

  signers(): TrustedSigner[] {
    return [...this.local, ...this.remote.signers].filter(
      ({ publicKey }) => !this.remote.revoked.includes(keyIdOf(publicKey)),
    );
  }

  /** Changes whenever the set of trusted keys does. */
  fingerprint(): string {
    return createHash('sha256').update(JSON.stringify(this.signers())).digest('hex').slice(0, 16);
  }

  /** Reads the group's trust from the stream; called at start and again and again, so that revocation takes effect. */
  async refresh(bus: Bus): Promise<void> {
    const last = (await bus.store.last(trustSubject(everyNode)))?.events.at(-1);
    if (last?.type !== 'TrustChanged') return;
    const before = this.fingerprint();
    this.remote = { signers: last.data.signers, revoked: last.data.revoked };
    if (this.fingerprint() !== before) this.changed();
  }
}

function readSigners(path: string): TrustedSigner[] {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => /\.(pem|pub)$/.test(name))
        .map((name) => join(path, name))
    : [path];
  return files.flatMap((file) => signersOfPem(readFileSync(file, 'utf8'), basename(file)));
}
