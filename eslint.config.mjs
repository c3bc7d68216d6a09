// House rules that a machine can check (CONTRIBUTING.md). Boundaries first: what may lean on what.
// Run it by `npm run lint` (nx): plain eslint without Nx's project graph skips the boundaries with no more than a warning.
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const typescript = ['libs/*/src/**/*.ts', 'services/*/src/**/*.ts', 'infra/**/*.ts'];
const specs = typescript.map((pattern) => pattern.replace('*.ts', '*.spec.ts'));
/** What specs share, beside the code that they test: never built, never shipped. */
const testSupport = ['libs/*/src/testing/**/*.ts', 'services/*/src/testing/**/*.ts'];

/** Tags that specs and what they share may use besides what the project itself may. */
const forSpecs = { tags: ['type:testing'], externals: ['fast-check', 'pg'] };
const nothing = { tags: [], externals: [] };

/**
 * Which tag may depend on which. Wider than the plan in one place: the kernel library throws the errors of the catalogue,
 * so it may use the contracts. libs/testing must not lean on the kernel library: through it every control service would.
 */
const boundaries = (also) => [
  'error',
  {
    allow: [],
    // libs/testing starts what this library talks to, and its specs use libs/testing.
    ignoredCircularDependencies: [['@l3af/testing', '@l3af/event-store']],
    depConstraints: [
      {
        sourceTag: 'type:contracts',
        onlyDependOnLibsWithTags: also.tags,
        allowedExternalImports: ['zod', ...also.externals],
      },
      {
        sourceTag: 'type:domain',
        onlyDependOnLibsWithTags: ['type:domain', 'type:contracts', ...also.tags],
        ...(also.externals.length > 0
          ? { allowedExternalImports: also.externals }
          : { bannedExternalImports: ['*'] }),
      },
      {
        sourceTag: 'type:kernel',
        onlyDependOnLibsWithTags: ['type:domain', 'type:contracts', ...also.tags],
      },
      {
        sourceTag: 'type:adapter',
        onlyDependOnLibsWithTags: ['type:domain', 'type:contracts', 'type:adapter', ...also.tags],
        bannedExternalImports: ['koffi'],
      },
      {
        sourceTag: 'type:service',
        onlyDependOnLibsWithTags: [
          'type:domain',
          'type:contracts',
          'type:adapter',
          'type:kernel',
          ...also.tags,
        ],
        bannedExternalImports: ['koffi'],
      },
      // Every service but the executor.
      { sourceTag: 'scope:control', notDependOnLibsWithTags: ['type:kernel'] },
      {
        sourceTag: 'type:testing',
        onlyDependOnLibsWithTags: ['type:domain', 'type:contracts', 'type:adapter', 'type:testing'],
        bannedExternalImports: ['koffi'],
      },
      { sourceTag: 'type:tooling', onlyDependOnLibsWithTags: ['*'] },
    ],
  },
];

// The Nx rule sees neither Node's own modules nor packages that are missing from its graph.
const outside = ['@nestjs/*', 'typeorm', 'nats', 'koffi', 'pg'];
const noTesting = { group: ['@l3af/testing'], message: 'libs/testing is for *.spec.ts and testing/ only' };
const noIo = { group: ['node:*', ...outside], message: 'this code is pure: it decides, others do I/O' };
const noKoffi = { group: ['koffi'], message: 'libs/kernel alone calls into C' };
const noNats = { group: ['nats'], message: 'libs/event-store alone talks to NATS' };
const restrict = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '**/*.golden.*',
      'services/console/**',
      '.nx/**',
      '.cache/**',
    ],
  },
  {
    files: typescript,
    plugins: { '@typescript-eslint': tseslint.plugin, '@nx': nx },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(nothing),
      ...restrict(noTesting, noKoffi, noNats),
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      // A property taken out of an object names what the rest is without.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', caughtErrors: 'all', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: false },
      ],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/unbound-method': 'error',
      complexity: ['error', 12],
      eqeqeq: 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: false, skipComments: false }],
      'max-params': ['error', 3],
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'use a union of strings' },
        { selector: 'ExportAllDeclaration', message: 'export by name' },
      ],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  // Pure code.
  {
    files: ['libs/{contracts,domain,bpf-object}/src/**/*.ts', '**/plan.ts'],
    ignores: [...specs, ...testSupport],
    rules: restrict(noIo, noTesting),
  },
  // The two libraries that own a door to the outside.
  { files: ['libs/kernel/src/**/*.ts'], rules: restrict(noTesting, noNats) },
  { files: ['libs/event-store/src/**/*.ts'], rules: restrict(noTesting, noKoffi) },
  { files: ['libs/testing/src/**/*.ts'], rules: restrict(noKoffi) },
  // A constructor of a Nest provider gets what it needs by its parameters.
  {
    files: ['services/*/src/**/*.{controller,module,handler,grpc}.ts'],
    rules: { 'max-params': ['error', 6] },
  },
  {
    files: [...specs, ...testSupport],
    rules: { '@nx/enforce-module-boundaries': boundaries(forSpecs), ...restrict(noKoffi) },
  },
  {
    files: specs,
    rules: {
      '@typescript-eslint/unbound-method': 'off',
      complexity: 'off',
      'max-lines': ['error', { max: 500 }],
    },
  },
  { files: ['libs/kernel/src/**/*.spec.ts'], rules: { 'no-restricted-imports': 'off' } },
  // The tools around the project: plain modules that run before anything is installed.
  {
    files: ['infra/**/*.mjs', '*.mjs'],
    languageOptions: { ecmaVersion: 2023, sourceType: 'module' },
    rules: {
      complexity: ['error', 12],
      eqeqeq: 'error',
      'max-lines': ['error', 300],
      'max-params': ['error', 3],
      'no-undef': 'off',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
);
