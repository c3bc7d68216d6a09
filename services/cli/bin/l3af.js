#!/usr/bin/env node
'use strict';
// Committed JavaScript, so that npm can link it before anything is built; builds what is missing, then runs it.
const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '../../..');
// The record is written last: without it a build was never finished.
const built = ['libs/contracts', 'libs/bpf-object', 'libs/oci', 'services/cli'].every((project) =>
  existsSync(join(root, project, 'dist/.build.json')),
);
if (!existsSync(join(root, 'node_modules/@l3af/contracts'))) {
  console.error('Cannot run l3af: its packages are not installed, needs `npm ci` in the clone');
  process.exit(1);
}
if (!built) {
  const build = spawnSync(process.execPath, [join(root, 'infra/build.mjs')], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (build.status !== 0) {
    console.error('Cannot run l3af: it does not build, see above');
    process.exit(1);
  }
}
require('../dist/main.js');
