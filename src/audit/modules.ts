import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import { nameOf, type PayloadPath } from '../files/path.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { PayloadEntry } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { counted } from '../text.ts';
import type { Audited } from './audited.ts';
import { type AuditFinding, packageOf } from './finding.ts';
import type { AuditKind } from './kinds.ts';

/** The modules of a payload: the sources in the directories of Python 3, and elsewhere those that can only be imported. */
export function modulesOf(payload: Payload): PayloadEntry[] {
  return payload.all.filter((entry) => {
    const { path, type, mode, isGhost } = entry;
    if (type === 'directory' || isGhost || !path.endsWith('.py')) return false;
    const place = pythonDirectoryOf(path);
    if (place !== undefined) return place.kind !== 'python2';
    return (mode & 0o111) === 0 && isImportable(path) && !notImported.test(path);
  });
}

/** Where examples and settings lie. */
const notImported = /^\/(?:etc|usr\/share\/doc)\//;

function isImportable(path: PayloadPath): boolean {
  return /^[\p{L}_][\p{L}\p{N}_]*\.py$/u.test(nameOf(path));
}

/** With one of these a pyc is no bytecode of its module: import does not take it, or cannot load it. */
const useless: ReadonlySet<AuditKind> = new Set(['damaged', 'stale', 'never-loaded', 'foreign', 'orphan']);

/** The sources that have at least one pyc that Python would use. @param findings all that audit found */
export function compiledModules({ pycs }: Audited, findings: readonly AuditFinding[]): ReadonlySet<PayloadPath> {
  const bad = new Set(findings.filter(({ kind }) => useless.has(kind)).map(({ container, path }) => container + path));
  return new Set(pycs.filter(({ entry }) => !bad.has(entry.container + entry.path)).map(({ name }) => name.source));
}

/** The packages in Python directories that have modules and not one pyc. Those of a .deb are made when it is installed. */
export function withoutBytecode({ payload, pycs }: Audited): AuditFinding[] {
  const compiled = new Set(pycs.map(({ name }) => packageOf(name.source)));
  const packages = new Map<string, PayloadEntry[]>();
  for (const entry of modulesOf(payload)) {
    const { path, container } = entry;
    if (pythonDirectoryOf(path) === undefined || !isImportable(path) || container.endsWith('.deb')) continue;
    const name = packageOf(path);
    if (!compiled.has(name)) getOrAdd(packages, name, () => []).push(entry);
  }
  return Array.from(packages, ([path, [first, ...others]]) => ({
    kind: 'no-bytecode',
    path: path as PayloadPath,
    container: first?.container ?? '',
    detail: `${counted(1 + others.length, 'module')}, no pycs`,
  }));
}
