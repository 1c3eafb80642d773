import type { Audited } from '../audit/audit.ts';
import { byCodeUnit, type PayloadPath } from '../files/path.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { PycRecord } from '../manifest/schema.ts';
import { type Level, type PycName, parsePycPath } from '../pyc/name.ts';
import type { PageFile, PageModule } from './page.ts';

/** A file of a module: its names' parts, and its size. */
interface NamedFile {
  readonly names: readonly PycName<PayloadPath>[];
  readonly sizeBytes: number;
}

/** The modules of a manifest, and what links save in each. */
export function modulesOfRecords(records: readonly PycRecord[]): PageModule[] {
  const files = records.map(({ paths, sizeBytes }) => ({
    names: paths.map((path) => parsePycPath(path)).filter((name) => name !== undefined),
    sizeBytes,
  }));
  return modulesOf(files);
}

/** The modules of an audit. @param couldSave the bytes that more links would save, by source */
export function modulesOfAudit(all: readonly Audited[], couldSave: ReadonlyMap<PayloadPath, number>): PageModule[] {
  const files = all.flatMap(({ pycs }) => {
    const byFile = new Map<string, { names: PycName<PayloadPath>[]; sizeBytes: number }>();
    for (const { entry, name } of pycs) {
      const { container, inode, sizeBytes } = entry;
      // Names of different modules may be one file; each module shows its own.
      const key = [container, inode, name.source, name.cacheTag].join('\0');
      getOrAdd(byFile, key, () => ({ names: [], sizeBytes })).names.push(name);
    }
    return [...byFile.values()];
  });
  const seen = new Set<PayloadPath>();
  return modulesOf(files).map((module) => {
    const sizeBytes = module.sizeBytes - module.savedBytes;
    const savedBytes = seen.has(module.source) ? 0 : (couldSave.get(module.source) ?? 0);
    seen.add(module.source);
    return { ...module, sizeBytes, savedBytes: Math.min(savedBytes, sizeBytes) };
  });
}

function modulesOf(files: readonly NamedFile[]): PageModule[] {
  const modules = new Map<string, { source: PayloadPath; cacheTag: string | undefined; files: PageFile[] }>();
  for (const { names, sizeBytes } of files) {
    const [first] = names;
    if (first === undefined) continue;
    const { source, cacheTag } = first;
    const levels = names.map(({ level }) => level).sort();
    getOrAdd(modules, `${source}\0${cacheTag}`, () => ({ source, cacheTag, files: [] })).files.push({
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
