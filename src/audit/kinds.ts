/** What audit finds, the worst first, and what each means for a user of the package. */
export const auditKinds = {
  differs: 'its code is not what its source compiles to',
  'other-compiler':
    'only instructions or their tables differ from what its source compiles to: compiled by another patch release, or changed by hand',
  damaged: 'truncated or corrupt, so that Python cannot load it, or too large for pyclink to read',
  stale: 'does not fit its source: import compiles again, or with unchecked hashes runs old code',
  'never-loaded': 'the mtime of its source was changed after compiling: import compiles again',
  foreign: 'no Python that reads this directory reads it',
  sourceless: 'has no source, and Python loads it: what it does cannot be checked',
  orphan: 'no import reads it',
  leftover: 'was written while testing or running, not by the build',
  writable: 'may be changed by others than its owner, in a Python directory',
  exposed: 'more users may read it than its source',
  'leaks-path': 'records another path than the one where its source lies',
  'no-bytecode': 'a package with modules, and not one pyc: Python compiles them at each start',
  'missing-level': 'other modules of the package have this level: with it, Python compiles this one at each start',
  unlinked: 'equal to another level of the same module, but a separate file',
  shadowed: 'of a source that import never takes: an extension module or a package has its name',
  unreproducible: 'not in normal form: another build may have other bytes',
} as const;

export type AuditKind = keyof typeof auditKinds;

/** What to do about each. */
export const auditAdvice: Readonly<Record<AuditKind, string>> = {
  differs: 'do not ship it; find out what wrote it, and compile its source again',
  'other-compiler': 'name with --python the patch release that compiled it, or compile with the one that will run it',
  damaged: 'compile again, after the step that truncated or rewrote it',
  stale: 'compile after the last change of its source',
  'never-loaded':
    'clamp mtimes before compiling, as pyclink build does with SOURCE_DATE_EPOCH; in a wheel, use checked hashes',
  foreign: 'remove it, and compile with the Python that reads the directory: pyclink build --python',
  sourceless: 'ship its source',
  orphan: 'remove it',
  leftover: 'remove it; test outside of the buildroot, or with PYTHONDONTWRITEBYTECODE=1',
  writable: 'let only its owner write it: chmod go-w',
  exposed: 'give it the mode and the owner of its source, or compile again',
  'leaks-path': 'compile with the path it will have: compileall -s BUILDROOT -p /, or pyclink build',
  'no-bytecode': 'compile it: pyclink build',
  'missing-level': 'compile all modules at the same levels: pyclink build --optimize',
  unlinked: 'copy with links (cp -a, rsync -H), or link again: pyclink link',
  shadowed: 'leave out its source, or only its pycs: pyclink build --exclude',
  unreproducible: 'compile with pyclink build, which writes the normal form',
};

/** The kinds that a user of the package can notice: they make the exit status 1, if no others are named. */
export const noticeableKinds: readonly AuditKind[] = (Object.keys(auditKinds) as AuditKind[]).filter(
  (kind) => kind !== 'unreproducible' && kind !== 'shadowed',
);

/** The worst first. */
export const auditKindNames = Object.keys(auditKinds) as readonly AuditKind[];

/** Findings by their kind, the worst first; kinds that were not found have none. */
export function byKind<F extends { readonly kind: AuditKind }>(findings: readonly F[]): ReadonlyMap<AuditKind, F[]> {
  const groups = new Map<AuditKind, F[]>(auditKindNames.map((kind) => [kind, []]));
  for (const finding of findings) groups.get(finding.kind)?.push(finding);
  return groups;
}
