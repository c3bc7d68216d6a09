// The tests of a virtual machine: compiled on the host, so nothing is transformed here.
module.exports = {
  rootDir: __dirname,
  testEnvironment: 'node',
  testMatch: ['<rootDir>/libs/kernel/src/**/*.kernel.spec.js', '<rootDir>/bpf/**/*.kernel.spec.js'],
  transform: {},
  cacheDirectory: '/tmp/jest',
  watchman: false,
  // Emulation is ten to thirty times slower than the machine.
  testTimeout: 900_000,
};
