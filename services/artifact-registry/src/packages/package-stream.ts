import { cannot, L3afError, packageSubject } from '@l3af/contracts';
import type { L3afEvent, PackageEvent, PackageVerified } from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';

/** What the stream says of one package so far. */
export interface PackageState {
  sequence: number;
  /** Digest by version. */
  published: Map<string, string>;
  /** `digest keyId form` of each signature. */
  signed: Set<string>;
  /** The last statement of each digest and kernel, as JSON. */
  verified: Map<string, string>;
  /** Reason by version. */
  yanked: Map<string, string>;
}

const initialState = (): PackageState => ({
  sequence: 0,
  published: new Map(),
  signed: new Set(),
  verified: new Map(),
  yanked: new Map(),
});

export const signatureKey = (digest: string, keyId: string, form: string): string =>
  `${digest} ${keyId} ${form}`;

export const verificationKey = ({
  digest,
  kernel,
  architecture,
}: Pick<PackageVerified['data'], 'digest' | 'kernel' | 'architecture'>): string =>
  `${digest} ${kernel} ${architecture}`;

/** The state after one more event. A version that is published again after it was yanked is back. */
export function evolve(state: PackageState, event: L3afEvent): PackageState {
  switch (event.type) {
    case 'PackagePublished':
      state.published.set(event.data.packageVersion, event.data.digest);
      state.yanked.delete(event.data.packageVersion);
      break;
    case 'PackageSigned':
      state.signed.add(signatureKey(event.data.digest, event.data.keyId, event.data.form));
      break;
    case 'PackageVerified':
      state.verified.set(verificationKey(event.data), JSON.stringify(event.data));
      break;
    case 'PackageYanked':
      state.yanked.set(event.data.packageVersion, event.data.reason);
      break;
    default:
      break;
  }
  return state;
}

const attemptsMax = 8;

/** Reads and appends package events. What a package is, is decided on everything the stream has of it. */
export class PackageStream {
  constructor(
    private readonly bus: Bus,
    private readonly actor: string,
  ) {}

  async load(name: string): Promise<PackageState> {
    let state = initialState();
    const subject = packageSubject(name);
    if (!(await this.bus.store.last(subject))) return state;
    for await (const { sequence, events } of this.bus.store.read({ subject })) {
      state = events.reduce(evolve, state);
      state.sequence = sequence;
    }
    return state;
  }

  /** Appends what `decide` makes of the package as it is; decides again when somebody else was faster. */
  async decide(
    name: string,
    decide: (state: PackageState) => PackageEvent[],
    actor = this.actor,
  ): Promise<{ sequence: number; changed: boolean }> {
    for (let attempt = 1; ; attempt++) {
      const state = await this.load(name);
      const events = decide(state);
      if (events.length === 0) return { sequence: state.sequence, changed: false };
      const subject = packageSubject(name);
      try {
        const appended = await this.bus.store.append({
          subject,
          events,
          actor,
          expectedSequence: state.sequence,
        });
        return { sequence: appended.sequence, changed: true };
      } catch (error) {
        const conflict = error instanceof L3afError && error.code === 'conflict';
        if (!conflict || attempt === attemptsMax) throw error;
      }
    }
  }
}

/** `version-exists` when the version is published with other content. */
export function checkVersion(
  state: PackageState,
  wanted: { name: string; version: string; digest: string },
): void {
  const { name, version, digest } = wanted;
  const published = state.published.get(version);
  if (published === undefined || published === digest) return;
  throw new L3afError(
    'version-exists',
    cannot('publish', 'package', `${name}@${version}`, `it is published as ${published} and does not change`),
    { details: { published } },
  );
}
