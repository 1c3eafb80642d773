/** The walls between directories: see docs/architecture.md. `npm run check` holds them. */

/** A directory imports itself, those before it in this list, and the root modules: src/*.ts. */
const directories = [
  'files',
  'pyc',
  'marshal',
  'inspect',
  'buildroot',
  'compile',
  'cache',
  'links',
  'manifest',
  'payload',
  'verify',
  'audit',
  'recompile',
  'diff',
  'page',
  'pipeline',
  'report',
  'rpm',
  'debian',
  'commands',
  'cli',
];

const oneOf = (names) => `^src/(${names.join('|')})/`;

const order = directories.slice(0, -1).map((directory, i) => ({
  name: `order-${directory}`,
  severity: 'error',
  comment: `src/${directory}/ may not import a directory behind it: move the import there, or what is needed to an earlier one.`,
  from: { path: `^src/${directory}/` },
  to: { path: oneOf(directories.slice(i + 1)) },
}));

export default {
  forbidden: [
    ...order,
    {
      name: 'no-circles',
      severity: 'error',
      comment: 'Files may not import each other in a circle: take what both need to a file of its own.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'root-modules',
      severity: 'error',
      comment: 'A root module may import only root modules: put it into the directory that it needs.',
      from: { path: '^src/[^/]+[.]ts$', pathNot: '^src/cli[.]ts$' },
      to: { path: '^src/[^/]+/' },
    },
    {
      name: 'pure',
      severity: 'error',
      comment:
        'pyc/, marshal/ and inspect/ work on bytes in memory: hand them what was read, and do the file work in another directory.',
      from: { path: oneOf(['pyc', 'marshal', 'inspect']) },
      to: { path: ['^(node:)?(fs|child_process|process|os|net|worker_threads)', 'execa|globby|pino'], reachable: true },
    },
    {
      name: 'joins',
      severity: 'error',
      comment: 'Front doors translate conventions into options: only pipeline/ and commands/ join stages.',
      from: { path: oneOf(['rpm', 'debian']) },
      to: { path: oneOf(['compile', 'links', 'manifest', 'verify', 'pipeline']) },
    },
    {
      name: 'process',
      severity: 'error',
      // leftovers.ts asks whether the run that a temporary file is named for is still there, attribute-helper.ts whether
      // fakeroot is at work, program-path.ts is PATH.
      comment: 'Only cli.ts and cli/process.ts know the process: pass what is needed from there.',
      from: { path: '^src/', pathNot: '^src/(cli|cli/process|files/(leftovers|attribute-helper|program-path))[.]ts$' },
      to: { path: '^(node:)?process$' },
    },
  ],
  options: {
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
