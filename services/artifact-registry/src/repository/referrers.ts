import { DistributionError } from '../distribution-error';
import { Documents } from '../state/documents';
import type { RegistryState } from '../state/state';

/** A manifest that refers to another; the rest of its descriptor is read from itself. */
export interface Referrer {
  digest: string;
  artifactType?: string;
}

const referrersMax = 4000;

/** What refers to each manifest of a repository, whether the manifest is there or not yet. */
export class Referrers {
  private readonly documents: Documents<Referrer[]>;

  constructor(state: RegistryState) {
    this.documents = new Documents(state.records, 'referrers/');
  }

  async list(repository: string, subject: string): Promise<Referrer[]> {
    return (await this.documents.get(`${repository}/${subject}`))?.value ?? [];
  }

  async add(repository: string, subject: string, referrer: Referrer): Promise<void> {
    await this.documents.change(`${repository}/${subject}`, (found = []) => {
      if (found.some(({ digest }) => digest === referrer.digest)) return found;
      if (found.length >= referrersMax)
        throw new DistributionError(
          'QUOTA_EXCEEDED',
          `${subject} has ${referrersMax} referrers, the most there may be`,
        );
      return [...found, referrer].sort((a, b) => (a.digest < b.digest ? -1 : 1));
    });
  }

  async remove(repository: string, subject: string, digest: string): Promise<void> {
    await this.documents.change(`${repository}/${subject}`, (found) => {
      const rest = found?.filter((one) => one.digest !== digest);
      if (rest?.length === found?.length) return found;
      return rest!.length > 0 ? rest : undefined;
    });
  }
}
