import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { trustSubject, type TrustedSigner } from '@l3af/contracts';
import { keyIdOf, signersOfPem, trustedFor } from '@l3af/oci';
import type { BusConnection } from '../bus/bus-connection';

/** The node group that every node belongs to. */
const everyNode = 'default';

/** Whose word counts about packages: the service's own keys, and those that nodes are told to trust, minus the revoked. */
export class TrustedSigners {
  constructor(
    private readonly connection: BusConnection,
    private readonly own: readonly TrustedSigner[],
  ) {}

  /** The signers trusted now for packages of this name. */
  async for(name: string): Promise<TrustedSigner[]> {
    const last = (await this.connection.get().store.last(trustSubject(everyNode)))?.events.at(-1);
    const { signers = [], revoked = [] } = last?.type === 'TrustChanged' ? last.data : {};
    const trusted = [...this.own, ...signers].filter(
      ({ publicKey }) => !revoked.includes(keyIdOf(publicKey)),
    );
    return trustedFor(name, trusted);
  }
}

/** Public keys of a PEM file, or of every `.pem` and `.pub` in a folder. */
export function readSigners(path: string | undefined): TrustedSigner[] {
  if (path === undefined) return [];
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => /\.(pem|pub)$/.test(name))
        .map((name) => join(path, name))
    : [path];
  return files.flatMap((file) => signersOfPem(readFileSync(file, 'utf8'), basename(file)));
}
