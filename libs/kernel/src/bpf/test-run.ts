import { testRunFd, type TestRunOptions, type TestRunResult } from './program';

/** Runs a loaded program on a packet in memory (BPF_PROG_TEST_RUN); nothing is sent. */
export function testRun(program: { readonly fd: number }, options: TestRunOptions): TestRunResult {
  return testRunFd(program.fd, options);
}
