import { release } from 'node:os';
import { kernelSeries } from '@l3af/contracts';
import { HostKernel } from './host-kernel';

test("a machine's kernel answers for its release, and for its series, which deployments ask about", () => {
  const kernel = new HostKernel([], { workDir: '' });
  expect(kernel.is(release())).toBe(true);
  expect(kernel.is(kernelSeries(release()))).toBe(true);
  expect(kernel.is(`${kernelSeries(release())}.9999-other`)).toBe(false);
  expect(kernel.is('2.4')).toBe(false);
});
