import type { DesiredKf, Hook, StatedVerification } from '@l3af/contracts';
import { checkVerified } from './verification';

type Verified = StatedVerification;

const kf: DesiredKf = {
  ...{
    name: 'edge',
    package: 'filter',
    version: '1.0.0',
    digest: `sha256:${'a'.repeat(64)}`,
    program: 'filter',
  },
  ...{ enabled: true, proceedOn: ['PASS'], config: {}, state: 'keep' },
};
const said = (kernel: string, more: Partial<Verified> = {}): Verified => ({
  ...{ kernel, architecture: 'amd64', objectDigest: '', loaded: true, programs: [] },
  ...{ tests: { passed: 0, failed: 0, skipped: 0 }, signer: { keyId: 'k1', name: 'builder' } },
  ...more,
});
const refusal = { code: 'verifier-refused', message: 'R1 invalid' } as const;
const refusing = (kernel: string, more: Partial<Verified> = {}): Verified =>
  said(kernel, { loaded: false, error: refusal, ...more });
const check = (
  statements: Verified[],
  { program = 'filter', hook = 'xdp' }: { program?: string; hook?: Hook } = {},
): string | undefined => {
  const node = { name: 'n', kernel: '6.1.0-49-cloud-amd64', architecture: 'amd64' };
  return checkVerified({ ...kf, program }, { statements, hook, node }).warning;
};
const failed = expect.objectContaining({ code: 'verification-failed' }) as Error;

test('a kernel of the same series speaks for the node', () => {
  expect(check([said('6.1.0-50-amd64')])).toBeUndefined();
  expect(() => check([refusing('6.1.0-50-amd64')])).toThrow(failed);
  expect(() => check([refusing('6.1.0-50-amd64')])).toThrow(/6\.1\.0-50-amd64 refuses it: R1 invalid/);
});

test('other kernels, architectures and strangers do not', () => {
  const warning = /was not verified on kernel 6\.1\.0-49-cloud-amd64/;
  expect(check([])).toMatch(warning);
  expect(check([refusing('6.12.1'), refusing('5.10.0'), refusing('6.10.0')])).toMatch(warning);
  expect(check([refusing('6.1.0', { architecture: 'arm64' })])).toMatch(warning);
  const forged = [refusing('6.1.0', { signer: null }), said('6.1.0', { signer: null })];
  expect(check(forged)).toMatch(warning);
  expect(check(forged)).toMatch(/2 statements by keys that are not trusted do not count/);
  expect(() => check([said('6.1.0-49-cloud-amd64', { signer: null }), refusing('6.1.0')])).toThrow(failed);
});

test('the own release counts first, then one that loads it', () => {
  expect(() => check([said('6.1.1'), refusing('6.1.0-49-cloud-amd64')])).toThrow(failed);
  expect(check([refusing('6.1.1'), said('6.1.2')])).toBeUndefined();
});

test('another program of the object may fail', () => {
  const programs = [
    { name: 'filter', hook: 'xdp', loaded: true, instructions: 1 },
    { name: 'mark', hook: 'tc-ingress', loaded: false, instructions: 0, error: refusal },
  ] as const;
  const verified = [refusing('6.1.1', { programs: [...programs] })];
  expect(check(verified)).toBeUndefined();
  expect(() => check(verified, { program: 'mark', hook: 'tc-egress' })).toThrow(failed);
});

test('failing packet tests are told', () => {
  expect(check([said('6.1.1', { tests: { passed: 1, failed: 2, skipped: 0 } })])).toMatch(
    /2 of its packet tests fail/,
  );
});
