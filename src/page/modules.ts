import type { Audited } from '../audit/audited.ts';
import type { AuditFinding } from '../audit/finding.ts';
import { byCodeUnit, type PayloadPath } from '../files/path.ts';
import { getOrAdd } from '../get-or-add.ts';
import { namesOf } from '../manifest/interpreters.ts';
import type { PycRecord } from '../manifest/schema.ts';
import { type Level, type PycName, parsePycPath } from '../pyc/name.ts';
import type { PageFile, PageModule } from './page.ts';

/** A file with its parsed names. */
interface NamedFile {
  readonly names: readonly PycName<PayloadPath>[];
  readonly sizeBytes: number;
}

/** The modules of a manifest, and what their links save. */
export function modulesOfRecords(records: readonly PycRecord[]): PageModule[] {
  return modulesOf(records.map((record) => ({ names: namesOf(record), sizeBytes: record.sizeBytes })));
}

/** The modules of an audit, and what more links would save in each. @param findings all findings of the audit */
export function modulesOfAudit(all: readonly Audited[], findings: readonly AuditFinding[]): PageModule[] {
  const savings = new Map<string, number>();
  for (const { path, savedBytes = 0 } of findings) {
    const name = parsePycPath(path);
    if (name !== undefined) savings.set(moduleKey(name), (savings.get(moduleKey(name)) ?? 0) + savedBytes);
  }
  const files = all.flatMap(({ pycs }) => {
    const byFile = new Map<string, { names: PycName<PayloadPath>[]; sizeBytes: number }>();
    for (const { entry, name } of pycs) {
      const { file, sizeBytes } = entry;
      // Different modules may share a file; each shows its own names.
      const key = `${file}\0${moduleKey(name)}`;
      getOrAdd(byFile, key, () => ({ names: [], sizeBytes })).names.push(name);
    }
    return [...byFile.values()];
  });
  return modulesOf(files).map((module) => ({
    ...module,
    sizeBytes: module.sizeBytes - module.savedBytes,
    savedBytes: savings.get(moduleKey(module)) ?? 0,
  }));
}

/** Equal for the pycs of one module and one interpreter. */
function moduleKey({ source, cacheTag }: Pick<PageModule, 'source' | 'cacheTag'>): string {
  return `${source}\0${cacheTag}`;
}

function modulesOf(files: readonly NamedFile[]): PageModule[] {
  const modules = new Map<string, { source: PayloadPath; cacheTag: string | undefined; files: PageFile[] }>();
  for (const { names, sizeBytes } of files) {
    const [first] = names;
    if (first === undefined) continue;
    const { source, cacheTag } = first;
    const levels = names.map(({ level }) => level).sort();
    getOrAdd(modules, moduleKey(first), () => ({ source, cacheTag, files: [] })).files.push({
      levels,
      sizeBytes,
    });
  }
  return [...modules.values()].map(withSizes).sort((a, b) => byCodeUnit(a.source, b.source));
}

function withSizes(module: Pick<PageModule, 'source' | 'cacheTag' | 'files'>): PageModule {
  const files = [...module.files].sort((a, b) => firstLevel(a) - firstLevel(b));
  const sizeBytes = files.reduce((sum, file) => sum + file.levels.length * file.sizeBytes, 0);
  const savedBytes = files.reduce((sum, file) => sum + (file.levels.length - 1) * file.sizeBytes, 0);
  return { ...module, files, sizeBytes, savedBytes };
}

function firstLevel({ levels }: PageFile): Level {
  return levels[0] ?? 0;
}
