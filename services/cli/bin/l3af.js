#!/usr/bin/env node
'use strict';
// Committed JavaScript, so that npm can link it before anything is built; builds what is missing, then runs it.
const ensureBuilt = require('../../../infra/ensure-built.cjs');

ensureBuilt('l3af', ['libs/contracts', 'libs/bpf-object', 'libs/oci', 'services/cli']);
require('../dist/main.js');
