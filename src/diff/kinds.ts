/** How the bytecode of a module can differ between two payloads, and the text for the summary. */
export const diffKinds = {
  code: 'with different code',
  added: 'added',
  removed: 'removed',
  levels: 'with different levels',
  interpreter: 'for a different interpreter',
  bytes: 'with different bytes that cannot be compared',
  lines: 'with different lines or columns',
  path: 'with a different recorded path',
  header: 'with a different header',
  mtime: 'with a different mtime',
  flags: 'with different flags',
  links: 'linked differently',
} as const;

export type DiffKind = keyof typeof diffKinds;
