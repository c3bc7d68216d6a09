import {
  type BuildProgress,
  buckets,
  buildProgressSubject,
  L3afError,
  type VerificationRequested,
  verifiedPredicate,
  verifyConsumer,
} from '@l3af/contracts';
import type { Bus, StoredEnvelope, Work, WorkOutcome, WorkQueue } from '@l3af/event-store';
import { attachStatement, RegistryClient } from '@l3af/oci';
import type { Settings } from '../settings';
import { readSigningKey } from '../signing-key';
import { fetchSubject, isVerified, patiently } from './fetch-subject';
import type { Kernel } from './kernel';
import { findKernels } from './find-kernels';

export interface VerifyParts {
  bus: Bus;
  settings: Settings;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

type Request = VerificationRequested['data'];

/**
 * Asks the kernels that this builder has about packages, and attaches what each said as a signed statement. Each kernel has a queue
 * that builders share: what a killed one leaves another does, and a kernel that is new is asked about all there is. A package
 * without a statement is only less known: no build waits for this.
 */
export class VerifyQueue {
  readonly #stopping = new AbortController();
  #queues: WorkQueue[] = [];
  #starting: Promise<void> = Promise.resolve();
  /** What is being asked now, by kernel and digest: who asks the same meanwhile finds the answer. */
  readonly #asking = new Map<string, Promise<void>>();
  /** The kernels that this builder asks, once it knows. */
  kernels: string[] = [];
  /** Statements that were attached by this process. */
  verified = 0;

  constructor(private readonly parts: VerifyParts) {}

  start(): void {
    this.#starting = this.#start().catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) this.parts.log.warn({ err: error }, 'packages are not verified');
    });
  }

  async #start(): Promise<void> {
    const { bus, settings, log } = this.parts;
    const keepLog = async (text: string): Promise<string> =>
      (await bus.objects(buckets.logs).put(Buffer.from(text))).digest;
    const kernels = await findKernels({ settings, keepLog, log, signal: this.#stopping.signal });
    if (this.#stopping.signal.aborted) return;
    this.kernels = kernels.map(({ name }) => name);
    log.info({ kernels: this.kernels }, 'verifying packages on kernels');
    this.#queues = kernels.map((kernel) =>
      bus.workQueue({ consumer: verifyConsumer(kernel.name), concurrency: kernel.lanes }, (work) =>
        this.#take(kernel, work),
      ),
    );
  }

  async #take(kernel: Kernel, work: Work): Promise<WorkOutcome> {
    const request = requestOf(work.stored);
    if (!request || (request.kernel !== undefined && !kernel.is(request.kernel))) return 'done';
    const { log } = this.parts;
    const { name, packageVersion: version } = request;
    try {
      await this.#alone(`${kernel.name} ${request.digest}`, () => this.#verify(kernel, request, work));
      return 'done';
    } catch (error) {
      if (work.signal.aborted) throw error;
      this.#tell(request, kernel, error instanceof Error ? error.message : String(error));
      const isFinal = work.delivery >= verifyConsumer(kernel.name).attemptsMax || isRefusal(error);
      log.warn(
        { err: error, name, version, kernel: kernel.name },
        isFinal ? 'cannot verify' : 'verifying again',
      );
      return isFinal ? 'refuse' : 'again';
    }
  }

  async #alone(key: string, verify: () => Promise<void>): Promise<void> {
    for (let other = this.#asking.get(key); other; other = this.#asking.get(key))
      await other.catch(() => undefined); // told where it failed
    const own = verify();
    this.#asking.set(key, own);
    try {
      await own;
    } finally {
      this.#asking.delete(key);
    }
  }

  async #verify(kernel: Kernel, request: Request, { signal, delivery }: Work): Promise<void> {
    const { settings, log } = this.parts;
    const { name, packageVersion: version, digest } = request;
    const client = new RegistryClient(settings.registryUrl);
    const privateKeyPem = await readSigningKey(settings.signingKey);
    const subject = await patiently(signal, async () =>
      (await isVerified(client, request, { kernel, privateKeyPem }))
        ? undefined
        : fetchSubject(client, request),
    );
    if (!subject) return;
    this.#tell(request, kernel, 'loading it, alone and behind the glue');
    const predicate = await kernel.verify({ ...subject, signal, apart: delivery > 1 });
    const statement = { predicateType: verifiedPredicate, predicate, privateKeyPem };
    await patiently(signal, () => attachStatement(client, name, digest, statement));
    this.verified += 1;
    const { loaded, tests, error } = predicate;
    log.info({ name, version, kernel: predicate.kernel, loaded, tests }, 'verified');
    const counts = `${tests.passed} packet tests passed, ${tests.failed} failed`;
    this.#tell(
      request,
      kernel,
      loaded ? `loaded, ${counts}` : `refused: ${error?.message ?? 'no reason given'}`,
    );
  }

  /** Whoever watches the build that made the package hears of it. */
  #tell({ of: build }: Request, { name: target }: Kernel, message: string): void {
    if (build === undefined) return;
    const line: BuildProgress = { build, at: new Date().toISOString(), step: 'verify', target, message };
    this.parts.bus.publishLive(buildProgressSubject(build), line);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#starting;
    await Promise.all(this.#queues.map((queue) => queue.stop()));
  }
}

function requestOf({ events }: StoredEnvelope): Request | undefined {
  const event = events.find(({ type }) => type === 'VerificationRequested');
  return event?.type === 'VerificationRequested' ? event.data : undefined;
}

/** The verifier's own word on the object, which is no kernel's: asking again changes nothing. */
const isRefusal = (error: unknown): boolean =>
  error instanceof L3afError && ['invalid-object', 'unknown-program', 'invalid-request'].includes(error.code);
