// How Jest compiles a file: as the build does.
const { createTransformer } = require('@swc/jest');
const swcOptions = require('./swc-options.cjs');

module.exports = createTransformer({ ...swcOptions, swcrc: false });
