import {
  cannot,
  type DesiredKf,
  kernelSeries,
  L3afError,
  packageSubject,
  verifyRequestSubject,
} from '@l3af/contracts';
import { readGroupPolicy, type Bus } from '@l3af/event-store';

/** How long a deployment waits for a kernel's word; a machine has to boot for it. */
const patienceMs = 180_000;

/** Whether nodes of these groups take only what their kernel was asked about. */
export async function isVerifiedFirst(bus: Bus, groups: readonly string[]): Promise<boolean> {
  return (await readGroupPolicy(bus, groups))?.onUnverified === 'verify';
}

interface Asked {
  bus: Bus;
  kf: DesiredKf;
  /** The node's release. */
  kernel: string;
}

/**
 * Asks the builders for a kernel's word about a version, and waits for it: until the registry tells of a statement. Throws
 * `verification-missing` when none comes: no builder has this kernel, or none runs.
 */
export async function awaitStatement({ bus, kf, kernel }: Asked): Promise<void> {
  const { package: name, version: packageVersion, digest } = kf;
  const series = kernelSeries(kernel);
  const fromSequence = (await bus.store.lastSequence()) + 1;
  const data = { name, digest, packageVersion, kernel: series };
  await bus.store.append({
    subject: verifyRequestSubject(name),
    events: [{ type: 'VerificationRequested', version: 1, data }],
    actor: 'deploy-api',
  });
  const signal = AbortSignal.timeout(patienceMs);
  try {
    for await (const { events } of bus.store.follow({
      subject: packageSubject(name),
      fromSequence,
      signal,
    })) {
      const isAnswer = events.some(
        (event) =>
          event.type === 'PackageVerified' &&
          event.data.digest === digest &&
          kernelSeries(event.data.kernel) === series,
      );
      if (isAnswer) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const state = `no builder verified it on kernel ${kernel} within ${patienceMs / 1000} s, which the policy asks for`;
  throw new L3afError(
    'verification-missing',
    cannot('deploy', 'package', `${kf.package}@${kf.version}`, state),
    {
      details: { instance: kf.name, kernel },
    },
  );
}
