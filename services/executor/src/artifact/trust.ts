import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { combineTrust, type TrustChanged, trustChangedSchema, type Trusted } from '@l3af/contracts';
import { type Bus, readGroupTrust } from '@l3af/event-store';
import { readTrustFiles } from '@l3af/oci';
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
    this.own = options.own === undefined ? [] : readTrustFiles(options.own);
    this.given = read(options.remembered);
  }

  trusted(): Trusted {
    return combineTrust(this.own, this.given);
  }

  /** Changes whenever the set of those who are trusted does. */
  fingerprint(): string {
    return createHash('sha256').update(JSON.stringify(this.trusted())).digest('hex').slice(0, 16);
  }

  /** Reads the groups' trust from the stream; called at start and again and again, so that revocation takes effect. */
  async refresh(bus: Pick<Bus, 'store'>, groups: readonly string[]): Promise<void> {
    const given = await readGroupTrust(bus, groups);
    if (JSON.stringify(given) === JSON.stringify(this.given)) return;
    this.given = given;
    const { remembered, changed } = this.options;
    mkdirSync(dirname(remembered), { recursive: true });
    writeFileSync(`${remembered}.part`, JSON.stringify(given));
    renameSync(`${remembered}.part`, remembered);
    changed();
  }
}

/** A missing or damaged file is read from the stream again. */
function read(path: string): Given[] {
  try {
    return z.array(trustChangedSchema.shape.data).parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
}
