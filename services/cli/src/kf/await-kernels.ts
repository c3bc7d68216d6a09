import { setTimeout as delay } from 'node:timers/promises';
import {
  cannot,
  kernelSeries,
  L3afError,
  packageDetailsSchema,
  type PackageDetails,
  type StatedVerification,
} from '@l3af/contracts';
import type { Session } from '../session';

/** A machine boots in seconds; on a busy one, or with a kernel to download, in minutes. */
const patienceMs = 20 * 60_000;
const betweenMs = 1_000;

interface Version {
  name: string;
  version: string;
  digest: string;
}

/** A kernel is named by its release, or by the version that a machine boots. */
const isOf = (kernel: string, { kernel: said }: StatedVerification): boolean =>
  said === kernel || kernelSeries(said) === kernel;

/**
 * Waits until each kernel has said how it takes a version, telling of each as it comes. Throws `verification-failed` when one refused
 * it or failed its packet tests, `verification-missing` when one says nothing.
 */
export async function awaitKernels(
  session: Session,
  version: Version,
  kernels: readonly string[],
): Promise<void> {
  const path = `/v1/packages/${encodeURIComponent(version.name)}/versions/${encodeURIComponent(version.digest)}`;
  const deadline = Date.now() + patienceMs;
  const heard = new Map<string, StatedVerification>();
  while (heard.size < kernels.length) {
    const { statements } = await session.api.ask<PackageDetails>(path, packageDetailsSchema);
    for (const kernel of kernels) {
      const said = statements.find((one) => one.signer !== null && isOf(kernel, one));
      if (!said || heard.has(kernel)) continue;
      heard.set(kernel, said);
      session.print.note(session.print.noteStyle.dim(`verify (${said.kernel}): ${verdictOf(said)}`));
    }
    if (heard.size === kernels.length) break;
    if (Date.now() > deadline)
      throw missing(
        version,
        kernels.filter((kernel) => !heard.has(kernel)),
      );
    await delay(betweenMs);
  }
  const refusing = [...heard.values()].filter(({ loaded, tests }) => !loaded || tests.failed > 0);
  if (refusing.length > 0) throw refused(version, refusing);
}

function verdictOf({ loaded, error, tests }: StatedVerification): string {
  if (!loaded) return `refused: ${error?.message ?? 'no reason given'}`;
  return `loaded, ${tests.passed} packet tests passed, ${tests.failed} failed`;
}

function refused({ name, version }: Version, statements: StatedVerification[]): L3afError {
  const said = statements.map((one) => `${one.kernel}: ${verdictOf(one)}`).join('; ');
  return new L3afError('verification-failed', cannot('vouch for', 'package', `${name}@${version}`, said), {
    hint: 'It is published; nodes with these kernels will not take it',
  });
}

function missing({ name, version }: Version, kernels: string[]): L3afError {
  const state = `nothing was heard of ${kernels.join(', ')} for ${patienceMs / 60_000} min`;
  return new L3afError('verification-missing', cannot('verify', 'package', `${name}@${version}`, state));
}
