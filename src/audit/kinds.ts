/** The kinds of findings, the worst first, and what each means for a user of the package. */
export const auditKinds = {
  differs: 'its code is not what its source compiles to',
  'other-compiler':
    'only instructions or their tables differ from what its source compiles to: compiled by another patch release, or edited',
  damaged: 'truncated or corrupt: Python cannot load it, or it is too large for pyclink to read',
  stale: 'does not match its source: import compiles it again or, with unchecked hashes, runs old code',
  'never-loaded': 'the mtime of its source changed after compilation: import compiles it again',
  foreign: 'no Python that uses this directory can load it',
  sourceless: 'has no source, but Python loads it: its code cannot be checked',
  orphan: 'no import loads it',
  leftover: 'written by a test run or at run time, not by the build',
  writable: 'users other than its owner, or than the owner of its source, can change it',
  exposed: 'readable by more users than its source',
  unreadable: 'readable by fewer users than its source: for the others, Python compiles it at each start',
  'leaks-path': 'records a path that is not the path of its source',
  'no-bytecode': 'a package with modules but no pycs: Python compiles them at each start',
  'missing-level':
    'other modules of the package have this level: at this level, Python compiles this one at each start',
  unlinked: 'identical to another level of the same module, but a separate file',
  shadowed: 'import never loads its source: an extension module or a package has the same name',
  unreproducible: 'not normalized: another build may produce different bytes',
} as const;

export type AuditKind = keyof typeof auditKinds;

/** What to do about each kind. */
export const auditAdvice: Readonly<Record<AuditKind, string>> = {
  differs: 'do not ship it; find out what wrote it, and compile its source again',
  'other-compiler': 'compile with the patch release that will run it, or name the one that compiled it with --python',
  damaged: 'compile again after the step that truncated or rewrote it',
  stale: 'compile after the last change to its source',
  'never-loaded':
    'clamp mtimes before compiling, as pyclink build does with SOURCE_DATE_EPOCH; in a wheel, use checked hashes',
  foreign: 'remove it, and compile with the Python that uses the directory: pyclink build --python',
  sourceless: 'ship its source',
  orphan: 'remove it',
  leftover: 'remove it; run tests outside the buildroot, or with PYTHONDONTWRITEBYTECODE=1',
  writable: 'give it the owner of its source, and let only that owner write: chown, chmod go-w',
  exposed: 'give it the mode and the owner of its source, or compile again',
  unreadable:
    'give it the mode and the owner of its source, and its __pycache__ those of the directory above; or compile again',
  'leaks-path':
    'compile with its installed path: compileall -s BUILDROOT -p /, or pyclink build; if a directory will lie elsewhere, audit it with --prepend',
  'no-bytecode': 'compile it: pyclink build',
  'missing-level': 'compile all modules at the same levels: pyclink build --optimize',
  unlinked: 'keep hard links when you copy (cp -a, rsync -H), or link again: pyclink link',
  shadowed: 'exclude its source, or only its pycs: pyclink build --exclude',
  unreproducible: 'compile with pyclink build, which normalizes bytecode',
};

/** All kinds, the worst first. */
export const auditKindNames = Object.keys(auditKinds) as readonly AuditKind[];

/** The kinds that a user of the package can notice. They make the exit status 1 by default. */
export const noticeableKinds: readonly AuditKind[] = auditKindNames.filter(
  (kind) => kind !== 'unreproducible' && kind !== 'shadowed',
);

/** Groups findings by kind, the worst first. Kinds without findings have an empty group. */
export function byKind<F extends { readonly kind: AuditKind }>(findings: readonly F[]): ReadonlyMap<AuditKind, F[]> {
  const groups = new Map<AuditKind, F[]>(auditKindNames.map((kind) => [kind, []]));
  for (const finding of findings) groups.get(finding.kind)?.push(finding);
  return groups;
}
