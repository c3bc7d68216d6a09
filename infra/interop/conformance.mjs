// The OCI distribution specification's own suite, all workflows, against both places that blobs may lie in.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withRegistry } from './site.mjs';

/** What is optional in the suite and promised by us. */
const options = {
  OCI_VERSION: 'dev',
  OCI_API_BLOBS_UPLOAD_CANCEL: 'true',
  OCI_API_BLOBS_DIGEST_HEADER: 'true',
  OCI_API_MANIFESTS_DIGEST_HEADER: 'true',
  OCI_API_MANIFESTS_TAG_PARAM: 'true',
};

/** Runs the suite's binary; an outcome for each place, with the checks that failed. */
export async function checkConformance(tool, folder) {
  const outcomes = [];
  for (const place of ['JetStream', 'a directory']) {
    const results = join(folder, `conformance-${outcomes.length}`);
    mkdirSync(results);
    await withRegistry({ folder, directory: place === 'a directory' }, (host) => {
      const env = {
        ...process.env,
        ...options,
        OCI_REGISTRY: host,
        OCI_TLS: 'disabled',
        OCI_REPO1: 'conformance/repo1',
        OCI_REPO2: 'conformance/repo2',
        OCI_RESULTS_DIR: results,
      };
      const run = spawnSync(tool, [], { env, cwd: results, encoding: 'utf8' });
      const junit = readFileSync(join(results, 'junit.xml'), 'utf8');
      const total = /<testsuites[^>]* tests="(\d+)"/.exec(junit)?.[1] ?? '0';
      const ok = run.status === 0 && total !== '0';
      outcomes.push({
        title: `OCI conformance on ${place}: ${total} checks`,
        ...(!ok && { error: `${run.stdout}\n${run.stderr}`.trim().slice(-4000) }),
      });
    });
  }
  return outcomes;
}
