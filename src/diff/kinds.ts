/** How the bytecode of a module in one payload is not that in another, and what is said of how many modules. */
export const diffKinds = {
  code: 'with other code',
  added: 'added',
  removed: 'removed',
  levels: 'with other levels',
  interpreter: 'of another interpreter',
  bytes: 'with other bytes that cannot be compared',
  lines: 'with other line numbers',
  path: 'with another recorded path',
  header: 'with another header',
  mtime: 'with another mtime',
  flags: 'with other flags',
  links: 'linked otherwise',
} as const;

export type DiffKind = keyof typeof diffKinds;
