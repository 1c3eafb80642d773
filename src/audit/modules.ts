import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import { nameOf, type PayloadPath } from '../files/path.ts';
import { groupBy } from '../get-or-add.ts';
import type { PayloadEntry } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { counted } from '../text.ts';
import type { Audited } from './audited.ts';
import { type AuditFinding, packageOf } from './finding.ts';
import type { AuditKind } from './kinds.ts';

/** The modules of a payload: the sources in directories of Python 3, and elsewhere those that can only be imported. */
export function modulesOf(payload: Payload): PayloadEntry[] {
  return payload.all.filter((entry) => {
    const { path, type, mode, isGhost } = entry;
    if (type === 'directory' || isGhost || !path.endsWith('.py')) return false;
    const place = pythonDirectoryOf(path);
    if (place !== undefined) return place.kind !== 'python2';
    return (mode & 0o111) === 0 && isImportable(path) && !notImported.test(path);
  });
}

/** Where examples and settings are. */
const notImported = /^\/(?:etc|usr\/share\/doc)\//;

function isImportable(path: PayloadPath): boolean {
  return /^[\p{L}_][\p{L}\p{N}_]*\.py$/u.test(nameOf(path));
}

/** A pyc with such a finding does not count as bytecode of its module: import does not use it, or cannot load it. */
const useless: ReadonlySet<AuditKind> = new Set(['damaged', 'stale', 'never-loaded', 'foreign', 'orphan']);

/** The sources with at least one pyc that Python would use. @param findings all findings of the audit */
export function compiledModules({ pycs }: Audited, findings: readonly AuditFinding[]): ReadonlySet<PayloadPath> {
  const bad = new Set(findings.filter(({ kind }) => useless.has(kind)).map(({ container, path }) => container + path));
  return new Set(pycs.filter(({ entry }) => !bad.has(entry.container + entry.path)).map(({ name }) => name.source));
}

/** Finds packages in Python directories that have modules but no pycs. The pycs of a .deb or wheel are made at installation. */
export function withoutBytecode({ payload, pycs }: Audited): AuditFinding[] {
  const compiled = new Set(pycs.map(({ name }) => packageOf(name.source)));
  const shipped = modulesOf(payload).filter(
    ({ path, container }) => pythonDirectoryOf(path) && isImportable(path) && !/\.(?:deb|whl)$/.test(container),
  );
  return Array.from(groupBy(shipped, ({ path }) => packageOf(path)))
    .filter(([name]) => !compiled.has(name))
    .map(([path, modules]) => ({
      kind: 'no-bytecode',
      path: path as PayloadPath,
      container: modules[0]?.container ?? '',
      detail: `${counted(modules.length, 'module')}, no pycs`,
    }));
}
