import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { matrixKernels, needsFeature, skipUnless, whyNotSkipped } from './skip';

describe('skipUnless', () => {
  it('is `it` itself where the thing is available', () => {
    expect(skipUnless(true, 'unused')).toBe(it);
  });
});

describe('needsFeature', () => {
  const tcx = { name: 'tcx', since: '6.6', found: false } as const;

  it('is `it` itself where the kernel has the feature', () => {
    expect(needsFeature({ ...tcx, found: true }, '6.12.1')).toBe(it);
  });
  it('lets a test be skipped on a kernel older than the feature, or where the machine forbids it', () => {
    expect(whyNotSkipped(tcx, '6.1.0-50-cloud-amd64')).toBeUndefined();
    expect(whyNotSkipped(tcx, '5.10.0')).toBeUndefined();
    expect(whyNotSkipped({ ...tcx, found: 'denied' }, '6.18.0')).toBeUndefined();
  });
  it('fails a test on a kernel that must have the feature', () => {
    expect(whyNotSkipped(tcx, '6.6.1')).toMatch(/it came with Linux 6.6, this is 6.6.1/);
    expect(whyNotSkipped(tcx, '10.1.0')).toMatch(/the probe does not find it/);
  });
  it('fails a test that no kernel of the matrix could ever run, even where it runs', () => {
    expect(whyNotSkipped({ ...tcx, since: '6.13', found: true }, '6.18.0')).toMatch(
      /no kernel of the matrix/,
    );
    expect(whyNotSkipped({ ...tcx, since: '6.12' }, '6.1.0')).toBeUndefined();
  });
  it('knows the kernels of the matrix', () => {
    const source = readFileSync(join(__dirname, '../../../infra/vm/kernels.mjs'), 'utf8');
    expect([...source.matchAll(/version: '([\d.]+)'/g)].map(([, version]) => version)).toEqual([
      ...matrixKernels,
    ]);
  });
});
