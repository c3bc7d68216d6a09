// `npm run test:interop [-- cosign conformance]`: the registry and signatures against tools that are not installed for it:
// sigstore's cosign (in PATH, or L3AF_COSIGN) and the OCI distribution conformance suite (a binary made with `go build`
// in the specification's folder "conformance": L3AF_OCI_CONFORMANCE). What is not there is skipped by name.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkConformance } from './interop/conformance.mjs';
import { checkCosign } from './interop/cosign.mjs';
import { setup } from './setup.mjs';
import { root } from './up/home.mjs';

setup();
const checks = {
  cosign: { run: checkCosign, tool: process.env.L3AF_COSIGN ?? 'cosign', args: ['version'] },
  conformance: { run: checkConformance, tool: process.env.L3AF_OCI_CONFORMANCE ?? '', args: [] },
};
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in checks));
if (unknown.length > 0) {
  console.error(`Cannot test with ${unknown.join(', ')}: there are ${Object.keys(checks).join(', ')}`);
  process.exit(2);
}
const built = spawnSync(process.execPath, [join(root, 'infra/build.mjs')], { stdio: ['ignore', 2, 2] });
if (built.status !== 0) process.exit(1);

const counts = { passed: 0, failed: 0, skipped: 0 };
const folder = mkdtempSync(join(tmpdir(), 'l3af-interop-'));
const isThere = ({ tool, args }) =>
  tool !== '' && (args.length === 0 || spawnSync(tool, args, { stdio: 'ignore' }).status === 0);
try {
  for (const [name, check] of Object.entries(checks)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    if (!isThere(check)) {
      console.log(`skipped: ${name}: ${check.tool || 'L3AF_OCI_CONFORMANCE'} is not there`);
      counts.skipped++;
      continue;
    }
    for (const { title, error } of await check.run(check.tool, folder)) {
      console.log(error === undefined ? `passed: ${title}` : `FAILED: ${title}\n${error}`);
      counts[error === undefined ? 'passed' : 'failed']++;
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;
