import { buckets, verifiedPredicate } from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';
import { attachStatement, RegistryClient } from '@l3af/oci';
import type { BuildResult } from '../build/run-build';
import type { Settings } from '../settings';
import { readSigningKey } from '../signing-key';
import { findVerifier, verifyOnHost } from './verify-on-host';

export interface VerifyParts {
  bus: Bus;
  settings: Settings;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

const waitingMax = 100;

/**
 * Has the builder's own kernel load each new package after it is published, one at a time, and attaches what the kernel
 * said as a signed statement. A package without a statement is only less known: nothing waits for this.
 */
export class VerifyQueue {
  readonly #stopping = new AbortController();
  readonly #command: string[] | undefined;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly parts: VerifyParts) {
    this.#command = findVerifier(parts.settings.verify);
  }

  add(result: BuildResult): void {
    const command = this.#command;
    if (!command || !result.isNew || result.bigEndian || this.#waiting >= waitingMax) return;
    this.#waiting += 1;
    this.#last = this.#last.then(async () => {
      try {
        if (!this.#stopping.signal.aborted) await this.#verify(command, result);
      } catch (error) {
        if (!this.#stopping.signal.aborted)
          this.parts.log.warn({ err: error, name: result.name }, 'cannot verify');
      } finally {
        this.#waiting -= 1;
      }
    });
  }

  /** Once all that was added is done. */
  async idle(): Promise<void> {
    await this.#last;
  }

  async #verify(command: string[], { name, version, digest, object, tests }: BuildResult): Promise<void> {
    const { bus, settings, log } = this.parts;
    const { signal } = this.#stopping;
    const { workDir } = settings;
    const keepLog = async (text: string): Promise<string> =>
      (await bus.objects(buckets.logs).put(Buffer.from(text))).digest;
    const statement = await verifyOnHost({ command, object, tests, workDir, signal, keepLog });
    const client = new RegistryClient(settings.registryUrl);
    await attachStatement(client, name, digest, {
      predicateType: verifiedPredicate,
      predicate: statement,
      privateKeyPem: await readSigningKey(settings.signingKey),
    });
    const { kernel, loaded, tests: counts } = statement;
    log.info({ name, version, kernel, loaded, tests: counts }, 'verified');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#last;
  }
}
