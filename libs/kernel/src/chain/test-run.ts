import { cannot, L3afError } from '@l3af/contracts';
import { withPin } from '../bpf/pin';
import { testRunFd, type TestRunOptions, type TestRunResult } from '../bpf/program';
import type { HookTarget } from '../types';
import { enabledOf, headPath, requireGeneration } from '../generation/generation';
import { chainLayout } from '../glue/slots';

/**
 * Runs a packet in memory through a loaded generation, live or not (BPF_PROG_TEST_RUN). Nothing is sent, but KFs
 * count it as any other packet.
 */
export function testRunChain(target: HookTarget, generation: number, options: TestRunOptions): TestRunResult {
  const pinned = requireGeneration(target, generation);
  const path = headPath(pinned, chainLayout(enabledOf(pinned)));
  const result = withPin(path, (fd) => testRunFd(fd, options));
  if (result) return result;
  throw new L3afError('kernel-error', cannot('run', 'generation', path, 'its first program is gone'));
}
