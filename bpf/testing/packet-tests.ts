import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { deriveSchema } from '@l3af/bpf-object';
import { manifestSchema } from '@l3af/contracts';
import { packetTestsSchema } from '../../services/executor/src/verify/packet-tests';
import { runTests, type TestResult } from '../../services/executor/src/verify/run-tests';
import { subjectLoader } from '../../services/executor/src/verify/load-subject';
import { compile, cpuLevels } from './compile';

const bpfFolder = join(__dirname, '..');

/** Declares the tests that a KF's kf.yaml names, for each CPU level that it is compiled for. */
export function packetTestsOf(name: string): void {
  const read = (file: string): unknown => parse(readFileSync(join(bpfFolder, name, file), 'utf8'));
  const manifest = manifestSchema.parse(read('kf.yaml'));
  const tests = (manifest.tests ?? []).flatMap((file) => packetTestsSchema.parse(read(file)).tests);

  describe.each(manifest.cpu ?? cpuLevels)(`${name}, compiled for %s`, (cpu) => {
    const object = compile(join(name, manifest.source ?? `${name}.bpf.c`), { cpu });
    const schema = deriveSchema(object);

    test.each(tests.map((one) => [one.name, one] as const))('%s', async (_, one) => {
      const results = await runTests([one], schema, subjectLoader(object));
      const failed = results.filter(({ outcome }) => outcome === 'failed');
      expect(failed.map(describeFailure)).toEqual([]);
      expect(results.some(({ outcome }) => outcome === 'passed')).toBe(true);
    });
  });
}

const describeFailure = ({ hook, form, reasons }: TestResult): string =>
  `${hook}, ${form}: ${reasons.join('; ')}`;
