import { onKernelOperation } from '../index';
import { perform, type CrashJob } from '../chain/crash-child';

/** Does a change, and tells after which of its kernel operations a process could be killed, counted from 1. */
export async function crashPoints(
  job: Pick<CrashJob, 'target' | 'change'>,
  matching: RegExp,
): Promise<{ killAfter: number; operation: string }[]> {
  const points: { killAfter: number; operation: string }[] = [];
  let count = 0;
  const before = onKernelOperation((operation) => {
    count++;
    if (matching.test(operation)) points.push({ killAfter: count, operation });
  });
  try {
    await perform(job);
  } finally {
    onKernelOperation(before);
  }
  return points;
}
