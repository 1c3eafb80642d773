import type { PayloadPath } from '../files/path.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { PayloadEntry } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { type Level, pycPath } from '../pyc/name.ts';
import type { AuditedPyc } from './audited.ts';
import { type AuditFinding, packageOf } from './finding.ts';

/** Finds identical levels of a module that are separate files, except in a zip, which has no links. */
export function unlinkedIn(pycs: readonly AuditedPyc[]): AuditFinding[] {
  const groups = new Map<string, PayloadEntry[]>();
  const findings: AuditFinding[] = [];
  for (const { entry, name, facts } of pycs) {
    const { container, mode, owner, path, sizeBytes, mtimeIs } = entry;
    if (mtimeIs !== undefined || name.cacheTag === undefined || facts === undefined || 'unread' in facts) continue;
    const { sha256 } = facts;
    const key = [container, name.source, name.cacheTag, sha256, mode, owner].join('\0');
    const equal = getOrAdd(groups, key, () => []);
    const [first] = equal;
    const isLinked = equal.some(({ file }) => file === entry.file);
    equal.push(entry);
    if (first === undefined || isLinked) continue;
    const detail = `identical to ${first.path}`;
    findings.push({ kind: 'unlinked', path, container, detail, savedBytes: sizeBytes });
  }
  return findings;
}

/** The levels that modules have. */
type Modules = Map<PayloadPath, { readonly container: string; readonly levels: Set<Level> }>;

/** If fewer modules of a package have a level, somebody probably ran them at that level. */
const meantModules = 3;

/**
 * Finds modules without a pyc of a level that their package has. A package has a level if at least three of its modules
 * have it, and at least half. Modules without any pyc do not count: their sources may not compile.
 */
export function missingLevels(pycs: readonly AuditedPyc[], payload: Payload): AuditFinding[] {
  /** The levels of each module, by package and cache tag. */
  const groups = new Map<string, { readonly cacheTag: string; readonly modules: Modules }>();
  for (const { name, entry } of pycs) {
    const { source, cacheTag, level } = name;
    if (cacheTag === undefined || !payload.has(source)) continue;
    const key = `${packageOf(source)}\0${cacheTag}`;
    const { modules } = getOrAdd(groups, key, () => ({ cacheTag, modules: new Map() }));
    getOrAdd(modules, source, () => ({ container: entry.container, levels: new Set() })).levels.add(level);
  }
  return Array.from(groups.values()).flatMap(({ cacheTag, modules }) => lacking(modules, cacheTag));
}

function lacking(modules: Modules, cacheTag: string): AuditFinding[] {
  return ([0, 1, 2] as const).flatMap((level) => {
    const without = Array.from(modules).filter(([, { levels }]) => !levels.has(level));
    const having = modules.size - without.length;
    if (having < without.length || having < meantModules) return [];
    const detail = `${having} of ${modules.size} modules of the package have level ${level}`;
    return without.map(
      ([source, { container }]): AuditFinding => ({
        kind: 'missing-level',
        path: pycPath(source, cacheTag, level),
        container,
        detail,
      }),
    );
  });
}
