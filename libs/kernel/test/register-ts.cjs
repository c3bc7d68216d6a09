// Lets a child process of a test run the TypeScript sources: `node --conditions=l3af-src -r register-ts.cjs FILE.ts`.
const { createHash } = require('node:crypto');
const { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const Module = require('node:module');

const folder = join(tmpdir(), `l3af-test-js-${process.getuid()}`);
mkdirSync(folder, { recursive: true, mode: 0o700 });
const options = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true },
    target: 'es2022',
    keepClassNames: true,
  },
  module: { type: 'commonjs' },
};

// The order of extensions is the order of resolution: errors.ts must win over errors.json beside it.
const { '.json': json, '.node': native } = Module._extensions;
delete Module._extensions['.json'];
delete Module._extensions['.node'];
Module._extensions['.ts'] = (module, filename) => {
  const source = readFileSync(filename, 'utf8');
  const cached = join(folder, `${createHash('sha256').update(source).digest('hex').slice(0, 32)}.js`);
  if (!existsSync(cached)) {
    const { code } = require('@swc/core').transformSync(source, { ...options, filename, swcrc: false });
    writeFileSync(`${cached}.${process.pid}`, code);
    renameSync(`${cached}.${process.pid}`, cached);
  }
  module._compile(readFileSync(cached, 'utf8'), filename);
};
Module._extensions['.json'] = json;
Module._extensions['.node'] = native;
