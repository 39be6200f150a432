/**
 * Rules between the rooms (ARCHITECTURE.md): imports point down, cli and workers -> activities -> backends -> merge,
 * guard. `type-only` imports count like others, except where a rule says so.
 */
const room = (name) => `^src/${name}/`;
const temporal = 'node_modules/@temporalio/';

/** A room may import itself, the contract, the payloads, and what is listed. */
const only = (name, allowed, comment, to = {}) => ({
  name: `${name}-imports`,
  comment,
  severity: 'error',
  from: { path: room(name) },
  to: { path: '^src/', pathNot: [room(name), '^src/(contract|payloads)[.]ts$', ...allowed], ...to },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Types may refer to each other; code may not.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'contract-imports-nothing',
      comment: 'Every room imports the contract, the workflow sandbox too.',
      severity: 'error',
      from: { path: '^src/contract[.]ts$' },
      to: {},
    },
    {
      name: 'payloads-import-words',
      comment: 'Every room imports the payloads, too.',
      severity: 'error',
      from: { path: '^src/payloads[.]ts$' },
      to: { pathNot: '^src/contract[.]ts$' },
    },
    only('workflows', [room('budget')], 'Deterministic code only; activities are known by their types.', {
      dependencyTypesNot: ['type-only'],
    }),
    {
      name: 'workflows-are-sandboxed',
      comment: 'Node builtins and other packages do not exist, or are not deterministic, in a workflow.',
      severity: 'error',
      from: { path: room('workflows') },
      to: {
        dependencyTypesNot: ['type-only'],
        pathNot: ['^src/(workflows|budget)/', '^src/(contract|payloads)[.]ts$', `${temporal}(workflow|common)/`],
      },
    },
    only('merge', [], 'The engine knows neither its guard nor who calls it.'),
    only('guard', ['^src/config/(environment|rules)[.]ts$'], 'The guard knows neither Temporal nor Parquet.'),
    {
      name: 'free-of-temporal',
      severity: 'error',
      from: { path: '^src/(merge|guard|backends|config|budget)/' },
      to: { path: temporal },
    },
    only(
      'backends',
      [
        '^src/merge/(entries|job|workspace|manifest|staging|version)[.]ts$',
        room('merge/predict'),
        room('guard'),
        room('bigquery'),
        room('python'),
        '^src/budget/messages[.]ts$',
        '^src/config/environment[.]ts$',
      ],
      'Whatever parses files runs in a child process.',
    ),
    only(
      'bigquery',
      [room('merge'), '^src/config/(environment|bucket-place|units)[.]ts$', '^src/budget/messages[.]ts$'],
      'Planning and the calls of its clients; free of Temporal, and of who calls it.',
    ),
    only(
      'activities',
      [
        room('backends'),
        room('guard'),
        room('merge'),
        '^src/bigquery/(error-reasons|purse)[.]ts$',
        '^src/config/rules[.]ts$',
      ],
      'Thin: they call the rooms below.',
    ),
    {
      name: 'activities-do-not-merge',
      comment: 'The worker never opens a Parquet file: only the light parts of the engine are for it.',
      severity: 'error',
      from: { path: '^src/(activities|workers)/' },
      to: {
        path: '^src/merge/',
        pathNot: '^src/merge/((job|workspace|clean|errors)[.]ts$|predict/)',
        dependencyTypesNot: ['type-only'],
      },
    },
    only('workers', [
      room('activities'),
      room('workflows'),
      room('backends'),
      room('guard'),
      room('merge'),
      '^src/client/spend[.]ts$',
      '^src/config/environment[.]ts$',
    ]),
    only(
      'library',
      [room('backends'), '^src/config/', '^src/guard/command[.]ts$', '^src/merge/(job|glob)[.]ts$'],
      'One merge, for programs: what the command line calls, too.',
    ),
    only(
      'python',
      ['^src/guard/(flock|lifetime)[.]ts$'],
      'Environments for whoever needs one; one process makes each.',
    ),
    only('budget', [], 'The ledger runs inside a workflow, and knows nothing of it.'),
    only('config', []),
    only('server', [room('config')]),
    only(
      'emulator',
      ['^src/config/environment[.]ts$', '^src/server/(child|ports)[.]ts$', room('python')],
      'It stands for the service: it knows nothing of its user.',
    ),
    only('client', [room('workflows'), room('config'), room('budget')]),
    { name: 'nobody-imports-the-cli', severity: 'error', from: { pathNot: room('cli') }, to: { path: room('cli') } },
    {
      name: 'envconfig-in-one-file',
      severity: 'error',
      from: { pathNot: '^src/cli/connect[.]ts$' },
      to: { path: `${temporal}envconfig/` },
    },
    {
      name: 'merges-start-at-once',
      comment:
        'The schema of the configuration and YAML take a tenth of the time of a small merge, which needs neither.',
      severity: 'error',
      from: { path: '^src/(cli/merge|merge/process)[.]ts$' },
      to: { path: '^src/config/(load|problems|schema|json-schema)[.]ts$|node_modules/yaml/', reachable: true },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
