import { defineConfig, type OxlintOverride } from 'oxlint';

/**
 * The boundaries of docs/architecture.md, which has the reasons. A place's list is the whole of what it may not import:
 * if several places match a file, the last one alone counts. tests/boundaries.test.ts proves each line.
 */
interface Restriction {
  /** Matches the text in the import. A Rust regular expression, so without look-ahead. */
  regex?: string;
  /** The same as globs in the manner of .gitignore, if there are exceptions. */
  group?: string[];
  message: string;
  allowTypeImports?: boolean;
}

const boundary = (number: number, sentence: string): string => `${sentence} (docs/architecture.md, boundary ${number})`;

const byName = boundary(1, 'Import another workspace by its name, @hotrod/…: its package.json says what is public.');
const noOtherWorkspaceByPath: Restriction = {
  regex:
    '^(\\.\\./)+(packages|services|observatory|stack|loadgen|pipeline|faults|bench|tests)/|^\\.\\./(kit|telemetry|customer|driver|route|frontend)/',
  message: byName,
};
/** Tests take processes and databases from tests/harness, by its path. */
const noOtherWorkspaceByPathButHarness: Restriction = {
  regex:
    '^(\\.\\./)+(packages|services|observatory|stack|loadgen|pipeline|faults|bench)/|^\\.\\./(kit|telemetry|customer|driver|route|frontend)/',
  message: byName,
};

const noWorkspace: Restriction = {
  regex: '^@hotrod/',
  message: boundary(1, 'kit and telemetry import no other workspace.'),
};
const otherServicesByClientAndContract: Restriction = {
  group: [
    '@hotrod/customer/*',
    '@hotrod/driver/*',
    '@hotrod/route/*',
    '@hotrod/frontend/*',
    '!@hotrod/*/client',
    '!@hotrod/*/contract',
  ],
  message: boundary(1, 'Of another service only its client and its contract are public.'),
};
const noHttpOrSqlInUseCase: Restriction = {
  regex:
    '^(express|undici|pg|node:https?|node:net)$|^@opentelemetry/|^@hotrod/telemetry/|^(\\./|@hotrod/).*(client|server|service|database|routes)(\\.ts)?$',
  message: boundary(2, 'A use case knows contracts and its own telemetry.ts.'),
};
const noOpenTelemetry: Restriction = {
  regex: '^@opentelemetry/',
  message: boundary(3, "Only packages/telemetry and a service's telemetry.ts know OpenTelemetry."),
};
const openTelemetryApiAlone: Restriction = {
  group: ['@opentelemetry/*', '!@opentelemetry/api'],
  message: boundary(3, 'A telemetry.ts knows @opentelemetry/api alone.'),
};
const sdkByRequireAlone: Restriction = {
  regex: '^@opentelemetry/(sdk-|instrumentation|auto-|exporter-)',
  message: boundary(3, 'The SDK is loaded by sdk.ts, with require; elsewhere import its types alone.'),
  allowTypeImports: true,
};
const noSdk: Restriction = {
  regex: '^@hotrod/telemetry/tracing-alone$',
  message: boundary(3, 'Only the preload and the runner of pipelines start the SDK.'),
};
const noObservatory: Restriction = {
  regex: '^@hotrod/observatory',
  message: boundary(5, 'Nobody imports the Observatory.'),
};
const noServices: Restriction = {
  regex: '^@hotrod/(customer|driver|route|frontend|telemetry|stack|loadgen|pipeline|faults)/',
  message: boundary(5, 'The Observatory imports kit alone of the other workspaces.'),
};
/** Folders of the Observatory by their depth from the folder that is spoken of. */
const noFolders = (folders: string, sentence: string): Restriction => ({
  regex: `^(\\.\\./)+(${folders})/`,
  message: boundary(5, sentence),
});
const nothingAbove = (sentence: string): Restriction => ({ regex: '^\\.\\./', message: boundary(5, sentence) });
const noProcesses: Restriction = {
  regex: '^(node:)?(child_process|cluster|worker_threads)$',
  message: boundary(6, 'Reading and planning are pure: executors alone start processes.'),
};

const everywhere = [noOtherWorkspaceByPath, noOpenTelemetry, noSdk, otherServicesByClientAndContract, noObservatory];
const observatory = [noOtherWorkspaceByPath, noOpenTelemetry, noServices];

const places: { files: string[]; refuses: Restriction[] }[] = [
  { files: ['packages/kit/**'], refuses: [noOtherWorkspaceByPath, noWorkspace, noOpenTelemetry] },
  { files: ['packages/telemetry/**'], refuses: [noOtherWorkspaceByPath, noWorkspace, sdkByRequireAlone] },
  {
    files: ['services/*/telemetry.ts'],
    refuses: [noOtherWorkspaceByPath, openTelemetryApiAlone, otherServicesByClientAndContract, noObservatory],
  },
  {
    files: ['services/frontend/dispatch.ts', 'services/driver/nearest-drivers.ts', 'services/route/compute-route.ts'],
    refuses: [...everywhere, noHttpOrSqlInUseCase],
  },
  // The page instruments itself: a browser has no preload.
  {
    files: ['services/frontend/page/**'],
    refuses: [noOtherWorkspaceByPath, otherServicesByClientAndContract, noObservatory],
  },
  { files: ['observatory/**'], refuses: observatory },
  {
    files: ['observatory/contract/**'],
    refuses: [...observatory, nothingAbove('The contract imports nothing of the Observatory.')],
  },
  {
    files: ['observatory/async/**'],
    refuses: [...observatory, nothingAbove('Queue and pause import nothing of the Observatory.')],
  },
  {
    files: ['observatory/records/**'],
    refuses: [
      ...observatory,
      noFolders('contract|filter|otlp|store|api|page', 'otlp → records ← store: records import neither.'),
    ],
  },
  {
    files: ['observatory/filter/**'],
    refuses: [
      ...observatory,
      noFolders('records|async|otlp|store|api|page', 'The filter language knows the contract alone.'),
    ],
  },
  {
    files: ['observatory/otlp/**'],
    refuses: [...observatory, noFolders('filter|contract|store|api|page', 'otlp → records ← store ← api, never back.')],
  },
  {
    files: ['observatory/store/**'],
    refuses: [...observatory, noFolders('otlp|api|page', 'otlp → records ← store ← api, never back.')],
  },
  {
    files: ['observatory/api/**'],
    refuses: [...observatory, noFolders('otlp|page', 'otlp → records ← store ← api, never back.')],
  },
  {
    files: ['observatory/alerting/**'],
    refuses: [...observatory, noFolders('otlp|api|page', 'Alerting asks the store, as the API does.')],
  },
  {
    files: ['observatory/mcp/**'],
    refuses: [
      ...observatory,
      noFolders(
        'records|async|otlp|store|api',
        'The tools for agents ask the API: they know its contract and the page’s pure parts.',
      ),
    ],
  },
  // Below page/ there is a folder api, too: the page's own, one step away.
  {
    files: ['observatory/page/**'],
    refuses: [
      ...observatory,
      {
        regex: '^(\\.\\./)+(records|async|otlp|store)/|^(\\.\\./){2,}(api/|[a-z-]+\\.ts$)',
        message: boundary(5, 'The page imports the contract and the filter language alone.'),
      },
    ],
  },
  { files: ['pipeline/**'], refuses: [...everywhere, noProcesses] },
  {
    files: [
      'pipeline/targets/**',
      'pipeline/runner/executors/**',
      'pipeline/preview/programs.ts',
      'pipeline/chatops/program.ts',
      'pipeline/**/main.ts',
    ],
    refuses: everywhere,
  },
  // A run is a trace: the runner is a process without a preload, because it starts in a fraction of the time without.
  {
    files: ['pipeline/runner/run-pipeline.ts'],
    refuses: [...everywhere.filter((each) => each !== noSdk), noProcesses],
  },
  {
    files: ['pipeline/runner/telemetry.ts'],
    refuses: [...everywhere.filter((each) => each !== noOpenTelemetry), openTelemetryApiAlone, noProcesses],
  },
  {
    files: ['**/*.test.ts', '**/*.test.tsx', '**/fixtures/**'],
    refuses: [noOtherWorkspaceByPathButHarness, otherServicesByClientAndContract],
  },
];

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-unnecessary-type-parameters': 'off',
    'typescript/unbound-method': 'off',
    'oxc/no-async-endpoint-handlers': 'off',
    'promise/always-return': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'typescript/no-explicit-any': 'error',
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'node/no-process-env': 'error',
    'no-restricted-imports': ['error', { patterns: everywhere }],
  },
  overrides: [
    ...places.map(({ files, refuses }): OxlintOverride => ({
      files,
      rules: { 'no-restricted-imports': ['error', { patterns: refuses }] },
    })),
    {
      files: ['services/frontend/dispatch.ts', 'services/driver/nearest-drivers.ts', 'services/route/compute-route.ts'],
      rules: {
        'no-restricted-globals': [
          'error',
          { name: 'fetch', message: boundary(2, 'A use case knows contracts and its own telemetry.ts.') },
        ],
      },
    },
    // They cross workspaces on purpose.
    { files: ['tests/**', 'bench/**', 'observatory/bench/**'], rules: { 'no-restricted-imports': 'off' } },
    // Boundary 4: the environment is read where a process starts.
    {
      files: [
        '**/main.ts',
        'packages/telemetry/register.ts',
        'packages/telemetry/sdk.ts',
        'packages/telemetry/sdk-parts.ts',
        'packages/kit/page-build.ts',
        'bench/**',
        'tests/**',
        '**/*.test.ts',
        '**/vite.config.ts',
        'vitest.config.ts',
        'bootstrap.js',
      ],
      rules: { 'node/no-process-env': 'off' },
    },
    { files: ['bootstrap.js'], rules: { 'unicorn/no-array-sort': 'off' } },
  ],
  ignorePatterns: ['**/dist/**', '.hotrod/**', 'charts/hotrod/files'],
});
