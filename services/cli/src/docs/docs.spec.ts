import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '@l3af/contracts';
import { parseChainDocuments } from '../chain/documents';
import { dependencyDiagram, readDependencies } from './dependency-graph';
import { errorsPage } from './errors-page';

const root = join(__dirname, '../../../..');

/** Compares a page with what it is generated from; with `L3AF_GOLDEN=1` (`npm run golden`) it writes it instead. */
function expectPage(name: string, expected: (page: string) => string): void {
  const path = join(root, name);
  const before = readFileSync(path, 'utf8');
  const wanted = expected(before);
  if (process.env.L3AF_GOLDEN) writeFileSync(path, wanted);
  else expect(before).toBe(wanted);
}

describe('documentation', () => {
  test('docs/errors.md is what the catalogue says', () => {
    expectPage('docs/errors.md', () => errorsPage(errorCodes));
  });

  test('the diagram in docs/ARCHITECTURE.md is what the imports say', () => {
    const diagram = dependencyDiagram(readDependencies(root));
    expectPage('docs/ARCHITECTURE.md', (page) =>
      page.replace(
        /(<!-- generated:dependencies -->\n)[^]*(<!-- \/generated:dependencies -->)/,
        (_all, before: string, after: string) => `${before}\n${diagram}\n\n${after}`,
      ),
    );
  });

  test.each(readdirSync(join(root, 'docs/examples')))('example %s is a chain document', (name) => {
    const text = readFileSync(join(root, 'docs/examples', name), 'utf8');
    expect(parseChainDocuments(text, name).length).toBeGreaterThan(0);
  });

  test('the documents printed in docs/chains.md are chain documents', () => {
    const page = readFileSync(join(root, 'docs/chains.md'), 'utf8');
    const blocks = [...page.matchAll(/^```yaml\n([^]*?)^```/gm)].map((match) => match[1]!);
    expect(blocks.length).toBeGreaterThan(0);
    const head = 'apiVersion: l3af/v1\nkind: Chain\nnode: n\ninterface: i\nhook: xdp\n';
    for (const block of blocks) {
      // Some print only what they are about.
      const whole = block.startsWith('kfs:') ? head + block : block;
      expect(parseChainDocuments(whole, 'docs/chains.md')).toHaveLength(1);
    }
  });
});
