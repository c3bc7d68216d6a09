// Lints texts in place of existing files and prints what was found, as JSON: the other half of boundaries.spec.ts.
// ESLint's configuration is an ES module, which Jest cannot load by itself.
// stdin: [{"path": "libs/x/src/index.ts", "text": "…"}]   stdout: [[{"rule": "…", "message": "…"}]]
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { ESLint } from 'eslint';

process.env.NX_DAEMON = 'false';
const require = createRequire(import.meta.url);
const { createProjectGraphAsync } = require('@nx/devkit');
await createProjectGraphAsync(); // without the graph in the cache the boundaries are skipped in silence

const eslint = new ESLint();
const reports = [];
for (const { path, text: code } of JSON.parse(await text(process.stdin))) {
  const [result] = await eslint.lintText(code, { filePath: path });
  reports.push(result.messages.map(({ ruleId, message }) => ({ rule: ruleId, message })));
}
process.stdout.write(JSON.stringify(reports));
