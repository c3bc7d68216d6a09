#!/usr/bin/env node
'use strict';
// Committed JavaScript, so that npm can link it before anything is built; builds what is missing, then runs it.
const ensureBuilt = require('../../../infra/ensure-built.cjs');

ensureBuilt('l3af-verify', ['libs/contracts', 'libs/bpf-object', 'libs/kernel', 'services/executor']);
require('../dist/verify/main.js');
