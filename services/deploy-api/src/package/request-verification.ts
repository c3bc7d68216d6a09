import {
  kernelSeries,
  verifyRequestSubject,
  type PackageVersionView,
  type VerificationAccepted,
} from '@l3af/contracts';
import type { Bus } from '@l3af/event-store';
import type { RequestContext } from '../request-context';

/**
 * Has builders ask their kernels about a version, whoever made it: what was pushed, imported or mirrored comes with what others
 * say of it, if anything. A kernel that has answered does not answer again. `kernel`: only kernels of its series.
 */
export async function requestVerification(
  bus: Bus,
  { name, version, digest }: PackageVersionView,
  { actor, correlationId, kernel }: RequestContext & { kernel?: string | undefined },
): Promise<VerificationAccepted> {
  const data = {
    ...{ name, digest, packageVersion: version },
    ...(kernel !== undefined && { kernel: kernelSeries(kernel) }),
  };
  const { sequence } = await bus.store.append({
    subject: verifyRequestSubject(name),
    events: [{ type: 'VerificationRequested', version: 1, data }],
    ...{ actor, correlationId },
  });
  return { name, version, digest, sequence };
}
