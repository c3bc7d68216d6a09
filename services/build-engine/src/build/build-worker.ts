import {
  buildConsumer,
  buckets,
  buildProgressSubject,
  type BuildRequested,
  buildSubject,
  cannot,
  type Diagnostic,
  diagnosticSchema,
  type L3afEvent,
  L3afError,
  type ObjectReference,
  toWireError,
  verifyRequestSubject,
} from '@l3af/contracts';
import type { Bus, StoredEnvelope, Work, WorkOutcome, WorkQueue } from '@l3af/event-store';
import { RegistryClient } from '@l3af/oci';
import { CompileCache } from '../compile/compile-cache';
import { bundledHeaders } from '../sandbox/bundled-headers';
import type { Settings } from '../settings';
import { digestTree, listTree } from '../source/tree';
import { readSigningKey } from '../signing-key';
import { Progress } from './progress';
import { type BuildContext, type BuildResult, runBuild } from './run-build';
import { VerifyQueue } from '../verify/verify-queue';

export interface WorkerParts {
  bus: Bus;
  settings: Settings;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

type Request = BuildRequested['data'];

interface Cancellation {
  signal: AbortSignal;
  reason(): L3afError | undefined;
  stop(): void;
}

/** Takes builds from the queue that all builders share, one at a time per lane, and tells the stream what became of them. */
export class BuildWorker {
  /** One process of several on a host, for whoever looks for the one that hangs. */
  readonly #name: string;
  #queue: WorkQueue | undefined;
  readonly #verifier: VerifyQueue;
  readonly #cache: CompileCache | undefined;
  readonly counts = { succeeded: 0, failed: 0, running: 0 };

  constructor(private readonly parts: WorkerParts) {
    this.#verifier = new VerifyQueue(parts);
    const { builder, cacheDir, cacheBytes } = parts.settings;
    this.#name = `${builder}/${process.pid}`;
    this.#cache = cacheBytes === 0 ? undefined : new CompileCache(cacheDir, cacheBytes);
  }

  /** Statements that this builder attached. */
  get verified(): number {
    return this.#verifier.verified;
  }

  start(): void {
    const { bus, settings } = this.parts;
    const options = { consumer: buildConsumer, concurrency: settings.concurrency };
    this.#queue = bus.workQueue(options, (work) => this.#take(work));
    this.#verifier.start();
  }

  /** Builds under way are left to another builder. */
  async stop(): Promise<void> {
    await Promise.all([this.#queue?.stop(), this.#verifier.stop()]);
  }

  async #take(work: Work): Promise<WorkOutcome> {
    const request = requestOf(work.stored);
    if (!request) return 'done'; // a cancellation: the builder that works on it watches for it
    const subject = buildSubject(request.build);
    const { bus } = this.parts;
    if (isOver(await bus.store.last(subject))) return 'done';
    const begun = await bus.store.decide(this.#decision(subject, work), (last) => {
      if (isOver(last)) return [];
      return isHopeless(last, work) ? [abandoned(request, last)] : [this.#started(request, last)];
    });
    if (!begun.changed || begun.events.some(({ type }) => type === 'BuildFailed')) return 'done';
    this.counts.running += 1;
    try {
      const outcome = await this.#build(request, work);
      await bus.store.decide(this.#decision(subject, work), (last) => (isOver(last) ? [] : [outcome]));
      this.counts[outcome.type === 'BuildSucceeded' ? 'succeeded' : 'failed'] += 1;
      return 'done';
    } finally {
      this.counts.running -= 1;
    }
  }

  #started({ build }: Request, last: StoredEnvelope | undefined): L3afEvent {
    const data = { build, builder: this.#name, attempt: attemptsOf(last) + 1 };
    return { type: 'BuildStarted', version: 1, data };
  }

  #decision(
    subject: string,
    { stored }: Work,
  ): { subject: string; actor: string; correlationId: string; causationId: string; timeoutMs: number } {
    const { correlationId, id } = stored.envelope;
    return { subject, actor: 'build-engine', correlationId, causationId: id, timeoutMs: 60_000 };
  }

  /** Runs the build to its outcome; throws when it was interrupted, so that it is built again. */
  async #build(request: Request, work: Work): Promise<L3afEvent> {
    const { bus, log } = this.parts;
    const begun = performance.now();
    const progress = new Progress(request.build, (line) =>
      bus.publishLive(buildProgressSubject(request.build), line),
    );
    const cancelled = await this.#watchCancellation(work);
    try {
      cancelled.signal.throwIfAborted();
      const signal = AbortSignal.any([work.signal, cancelled.signal]);
      const result = await runBuild(request, await this.#context(progress, { signal, lease: work.signal }));
      const durationMs = Math.round(performance.now() - begun);
      log.info({ build: request.build, name: result.name, version: result.version, durationMs }, 'built');
      await this.#askKernels(request, result, work);
      const verifiesOn = this.#verifier.kernels;
      return succeeded(request, result, { durationMs, verifiesOn, log: await this.#keepLog(progress) });
    } catch (error) {
      if (work.signal.aborted) throw error;
      const failure = cancelled.reason() ?? error;
      progress.quote(failure instanceof Error ? failure.message : String(failure));
      log.warn({ build: request.build, err: failure }, 'build failed');
      return failed(request, failure, await this.#keepLog(progress));
    } finally {
      cancelled.stop();
    }
  }

  /** Before the build is over, so that a crash in between asks twice and never not at all. */
  async #askKernels({ build }: Request, result: BuildResult, { stored }: Work): Promise<void> {
    const { name, digest, version: packageVersion } = result;
    const { correlationId, id } = stored.envelope;
    const data = { name, digest, packageVersion, of: build };
    await this.parts.bus.store.append({
      subject: verifyRequestSubject(name),
      events: [{ type: 'VerificationRequested', version: 1, data }],
      ...{ actor: 'build-engine', correlationId, causationId: id, timeoutMs: 60_000 },
    });
  }

  async #context(progress: Progress, signals: Pick<BuildContext, 'signal' | 'lease'>): Promise<BuildContext> {
    const { bus, settings } = this.parts;
    const headers = bundledHeaders(settings.includeDir);
    return {
      workDir: settings.workDir,
      headers,
      headersDigest: await digestTree(headers, await listTree(headers)),
      cache: this.#cache,
      builder: settings.builder,
      credentialsDir: settings.credentialsDir,
      gitAuthorities: settings.gitAuthorities,
      toolchains: settings.toolchains,
      readObject: (digest) => bus.objects(buckets.sources).get(digest),
      client: new RegistryClient(settings.registryUrl),
      signingKey: () => readSigningKey(settings.signingKey),
      progress,
      ...signals,
    };
  }

  async #keepLog(progress: Progress): Promise<ObjectReference> {
    return this.parts.bus.objects(buckets.logs).put(Buffer.from(progress.text()));
  }

  /** Follows the build's own requests: a cancellation may have come before, or come at any time. */
  async #watchCancellation({ stored }: Work): Promise<Cancellation> {
    const { store } = this.parts.bus;
    const cancel = new AbortController();
    const end = new AbortController();
    let reason: L3afError | undefined;
    const notice = ({ events }: StoredEnvelope): boolean => {
      const event = events.find(({ type }) => type === 'BuildCancelled');
      if (event?.type !== 'BuildCancelled') return false;
      const state = `cancelled: ${event.data.reason}`;
      reason = new L3afError('build-cancelled', cannot('finish', 'build', event.data.build, state));
      cancel.abort(reason);
      return true;
    };
    const last = await store.last(stored.subject);
    if (last) notice(last);
    const options = { subject: stored.subject, fromSequence: stored.sequence, signal: end.signal };
    const follow = async (): Promise<void> => {
      for await (const next of store.follow(options)) if (notice(next)) return;
    };
    follow().catch((error: unknown) => {
      if (!end.signal.aborted) this.parts.log.warn({ err: error }, 'cannot watch for cancellation');
    });
    return { signal: cancel.signal, reason: () => reason, stop: () => end.abort() };
  }
}

function requestOf({ events }: StoredEnvelope): Request | undefined {
  const event = events.find(({ type }) => type === 'BuildRequested');
  return event?.type === 'BuildRequested' ? event.data : undefined;
}

/** A build that has an outcome is never built again, whoever asks. */
function isOver(last: StoredEnvelope | undefined): boolean {
  return last?.events.some(({ type }) => type === 'BuildSucceeded' || type === 'BuildFailed') ?? false;
}

/** How often a build that is not over was begun. */
function attemptsOf(last: StoredEnvelope | undefined): number {
  const started = last?.events.find(({ type }) => type === 'BuildStarted');
  return started?.type === 'BuildStarted' ? started.data.attempt : 0;
}

/** What no builder came to the end of is not tried for ever. */
const isHopeless = (last: StoredEnvelope | undefined, { lastDelivery }: Work): boolean =>
  lastDelivery || attemptsOf(last) >= buildConsumer.attemptsMax;

function abandoned({ build }: Request, last: StoredEnvelope | undefined): L3afEvent {
  const state = `it was begun ${attemptsOf(last)} times and no builder came to its end`;
  const error = new L3afError('build-failed', cannot('finish', 'build', build, state), {
    hint: 'The builders were stopped or died of it; look at their logs, then ask for the build again',
  });
  return { type: 'BuildFailed', version: 1, data: { build, error: toWireError(error), diagnostics: [] } };
}

function succeeded(
  { build }: Request,
  { name, version, digest, sourceDigest, diagnostics }: BuildResult,
  more: { durationMs: number; verifiesOn: string[]; log: ObjectReference },
): L3afEvent {
  const data = { build, name, packageVersion: version, digest, sourceDigest, diagnostics, ...more };
  return { type: 'BuildSucceeded', version: 1, data };
}

function failed({ build }: Request, error: unknown, log: ObjectReference): L3afEvent {
  const { details = {}, ...wire } = toWireError(error);
  const diagnostics: Diagnostic[] = diagnosticSchema
    .array()
    .catch([])
    .parse(details['diagnostics'] ?? []);
  // The whole output is in the log, the diagnostics have a field of their own.
  const kept = Object.entries(details).filter(([key]) => key !== 'diagnostics' && key !== 'log');
  const shortened = { ...wire, ...(kept.length > 0 && { details: Object.fromEntries(kept) }) };
  return { type: 'BuildFailed', version: 1, data: { build, error: shortened, diagnostics, log } };
}
