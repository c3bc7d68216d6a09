import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type TrustChanged, trustChangedSchema, trustSubject } from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';
import { readTrust, signersOfPem, type Trusted } from '@l3af/oci';
import { z } from 'zod';

type Given = TrustChanged['data'];

export interface TrustOptions {
  /** A file or folder of the node's own: public keys (PEM), and JSON of identities with their roots. */
  own: string | undefined;
  /** Where what the control plane said is remembered: a machine may start when that is away. */
  remembered: string;
  changed: () => void;
}

/**
 * Whom this node trusts: those in its own file or folder, and those that the control plane says for the groups that
 * the node belongs to, minus whom any of them revokes.
 */
export class Trust {
  private readonly own: Trusted[];
  private given: Given[];

  constructor(private readonly options: TrustOptions) {
    this.own = options.own === undefined ? [] : readOwn(options.own);
    this.given = read(options.remembered);
  }

  trusted(): Trusted {
    const all = [
      ...this.own.map((trusted, index) => scoped(`own-${index + 1}`, trusted)),
      ...this.given.map((trusted) => scoped(trusted.group, trusted)),
    ];
    return {
      signers: all.flatMap(({ signers }) => signers),
      identities: all.flatMap(({ identities = [] }) => identities),
      trustedRoots: all.flatMap(({ trustedRoots = [] }) => trustedRoots),
      revoked: this.given.flatMap(({ revoked }) => revoked),
    };
  }

  /** Changes whenever the set of those who are trusted does. */
  fingerprint(): string {
    return createHash('sha256').update(JSON.stringify(this.trusted())).digest('hex').slice(0, 16);
  }

  /** Reads the groups' trust from the stream; called at start and again and again, so that revocation takes effect. */
  async refresh(bus: Pick<Bus, 'store'>, groups: readonly string[]): Promise<void> {
    const given: Given[] = [];
    for (const group of groups) {
      const last = (await bus.store.last(trustSubject(group)))?.events.at(-1);
      if (last?.type === 'TrustChanged') given.push(last.data);
    }
    if (JSON.stringify(given) === JSON.stringify(this.given)) return;
    this.given = given;
    const { remembered, changed } = this.options;
    mkdirSync(dirname(remembered), { recursive: true });
    writeFileSync(`${remembered}.part`, JSON.stringify(given));
    renameSync(`${remembered}.part`, remembered);
    changed();
  }
}

/** Names of roots are each list's own: one group's "ours" must not vouch for another group's people. */
function scoped(scope: string, { signers, identities = [], trustedRoots = [] }: Trusted): Trusted {
  const named = (name: string): string => `${scope}/${name}`;
  return {
    signers,
    identities: identities.map((one) => ({ ...one, root: named(one.root) })),
    trustedRoots: trustedRoots.map(({ name, root }) => ({ name: named(name), root })),
  };
}

function readOwn(path: string): Trusted[] {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => /\.(pem|pub|json)$/.test(name))
        .map((name) => join(path, name))
    : [path];
  return files.map((file) => {
    const text = readFileSync(file, 'utf8');
    return file.endsWith('.json') ? readTrust(text, file) : { signers: signersOfPem(text, basename(file)) };
  });
}

/** A missing or damaged file is read from the stream again. */
function read(path: string): Given[] {
  try {
    return z.array(trustChangedSchema.shape.data).parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
}
