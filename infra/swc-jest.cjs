// One set of compiler options for tests and build: the decorators' metadata must be the same in both.
const { createTransformer } = require('@swc/jest');

module.exports = createTransformer({
  swcrc: false,
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2022',
    keepClassNames: true,
  },
  module: { type: 'commonjs' },
});
