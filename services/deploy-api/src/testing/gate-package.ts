import { packageSubject, verifiedPredicate, type VerifiedStatement } from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';
import { attachStatement, buildImage, type RegistryClient } from '@l3af/oci';
import { waitFor } from '@l3af/testing';
import { digestOf } from './control-plane';

/** Pushes version 1.0.0 of a package whose object nobody can load, and whose label names one XDP program, `gate`. */
export async function publishGate(client: RegistryClient, name: string): Promise<string> {
  const image = buildImage({
    objects: [{ architecture: 'amd64', bytes: Buffer.from(`\x7fELF ${name}`, 'latin1') }],
    schema: { programs: [{ name: 'gate', section: 'xdp', type: 'xdp' }], maps: [], constants: [] },
  });
  await client.push(image, name, ['1.0.0']);
  return image.digest;
}

/** How a kernel took the package. */
export function gateStatement(kernel: string, loaded: boolean, architecture = 'x64'): VerifiedStatement {
  const error = loaded
    ? {}
    : { error: { code: 'verifier-refused', message: 'R1 invalid mem access' } as const };
  return {
    ...{ kernel, architecture, objectDigest: digestOf('e'), loaded, ...error },
    programs: [{ name: 'gate', hook: 'xdp', loaded, instructions: 1, ...error }],
    tests: { passed: 0, failed: 0, skipped: 0 },
  };
}

export interface SaidOfGate {
  name: string;
  digest: string;
  statement: VerifiedStatement;
  /** Private key (PEM) of who says it. */
  key: string;
}

/** Attaches a signed statement to a package. */
export const stateOfGate = (client: RegistryClient, { name, digest, statement, key }: SaidOfGate) =>
  attachStatement(client, name, digest, {
    ...{ predicateType: verifiedPredicate, predicate: statement, privateKeyPem: key },
  });

/** Resolves once the registry has announced so many statements about a package. */
export const heardOf = (bus: Bus, name: string, count = 1): Promise<boolean> =>
  waitFor(async () => {
    let heard = 0;
    for await (const { events } of bus.store.read({ subject: packageSubject(name) }))
      heard += events.filter(({ type }) => type === 'PackageVerified').length;
    return heard >= count;
  }, `${count} statements about ${name}`);
