// Four kinds of test by file name (CONTRIBUTING.md): unit runs anywhere; int needs NATS and Postgres; kernel needs root; e2e runs it all.
const base = {
  rootDir: __dirname,
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': '<rootDir>/infra/swc-jest.cjs' },
  testEnvironmentOptions: { customExportConditions: ['l3af-src', 'node', 'node-addons'] },
  moduleFileExtensions: ['ts', 'js', 'cjs', 'mjs', 'json', 'node'],
  modulePathIgnorePatterns: [
    '<rootDir>/(libs|services)/[^/]+/dist/',
    '<rootDir>/.l3af/',
    '<rootDir>/.cache/',
  ],
  cacheDirectory: '<rootDir>/.cache/jest',
  transformIgnorePatterns: ['/node_modules/'],
};
const kind = (displayName, testMatch, testPathIgnorePatterns = []) => ({
  ...base,
  displayName,
  testMatch,
  testPathIgnorePatterns: ['/node_modules/', '/dist/', ...testPathIgnorePatterns],
});
module.exports = {
  // A net for tests that hang; no test passes or fails by the speed of the machine.
  testTimeout: 600_000,
  projects: [
    kind('unit', ['<rootDir>/{libs,services,infra}/**/*.spec.ts'], ['\\.(int|kernel|e2e)\\.spec\\.ts$']),
    kind('int', ['<rootDir>/{libs,services,infra}/**/*.int.spec.ts']),
    kind('kernel', ['<rootDir>/{libs,services,infra,bpf}/**/*.kernel.spec.ts']),
    kind('e2e', ['<rootDir>/{services,infra}/**/*.e2e.spec.ts']),
  ],
};
