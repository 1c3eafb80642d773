import type { Audited } from '../audit/audited.ts';
import { type AuditFinding, packageOf } from '../audit/finding.ts';
import { byCodeUnit, type PayloadPath } from '../files/path.ts';
import { groupBy } from '../get-or-add.ts';
import { namesOf } from '../manifest/interpreters.ts';
import type { PycRecord } from '../manifest/schema.ts';
import { type PycName, parsePycPath } from '../pyc/name.ts';
import type { PageFile, PageModule } from './page.ts';

/** A pyc with its parsed name. */
interface NamedPyc {
  readonly name: PycName<PayloadPath>;
  /** Equal for the names of one file. */
  readonly file: string;
  readonly sizeBytes: number;
}

/** The modules of a manifest, and what their links save. */
export function modulesOfRecords(records: readonly PycRecord[]): PageModule[] {
  const pycs = records.flatMap((record, i) =>
    namesOf(record).map((name): NamedPyc => ({ name, file: `${i}`, sizeBytes: record.sizeBytes })),
  );
  return modulesOf(pycs);
}

/** The modules of an audit, and what more links would save in each. @param findings all findings of the audit */
export function modulesOfAudit(all: readonly Audited[], findings: readonly AuditFinding[]): PageModule[] {
  const savings = new Map<string, number>();
  for (const { path, savedBytes = 0 } of findings) {
    const name = parsePycPath(path);
    if (name !== undefined) savings.set(moduleKey(name), (savings.get(moduleKey(name)) ?? 0) + savedBytes);
  }
  const pycs = all.flatMap((audited) =>
    audited.pycs.map(({ entry, name }): NamedPyc => ({ name, file: entry.file, sizeBytes: entry.sizeBytes })),
  );
  return modulesOf(pycs).map((module) => ({
    ...module,
    sizeBytes: module.sizeBytes - module.savedBytes,
    savedBytes: savings.get(moduleKey(module)) ?? 0,
  }));
}

/** Equal for the pycs of one module and one interpreter. */
function moduleKey({ source, cacheTag }: Pick<PageModule, 'source' | 'cacheTag'>): string {
  return `${source}\0${cacheTag}`;
}

function modulesOf(pycs: readonly NamedPyc[]): PageModule[] {
  const modules = groupBy(pycs, ({ name }) => moduleKey(name));
  return Array.from(modules.values(), moduleOf).sort((a, b) => byCodeUnit(a.source, b.source));
}

function moduleOf(pycs: readonly NamedPyc[]): PageModule {
  const [{ name }] = pycs as [NamedPyc];
  const files = Array.from(groupBy(pycs, ({ file }) => file).values(), (own): PageFile => {
    return { levels: own.map(({ name: { level } }) => level).sort(), sizeBytes: own[0]?.sizeBytes ?? 0 };
  });
  files.sort((a, b) => (a.levels[0] ?? 0) - (b.levels[0] ?? 0));
  const sizeBytes = files.reduce((sum, file) => sum + file.levels.length * file.sizeBytes, 0);
  const savedBytes = files.reduce((sum, file) => sum + (file.levels.length - 1) * file.sizeBytes, 0);
  return { source: name.source, cacheTag: name.cacheTag, files, sizeBytes, savedBytes };
}

/** A Python package, such as `numpy`, with the sums over its modules. */
export interface PackageBytes {
  readonly name: string;
  readonly sizeBytes: number;
  readonly savedBytes: number;
  readonly modules: readonly PageModule[];
}

/** Groups modules by package, the largest first. */
export function packagesOf(modules: readonly PageModule[]): PackageBytes[] {
  const byName = groupBy(modules, ({ source }) => packageOf(source));
  const packages = Array.from(byName, ([name, own]) => packageWith(name, own));
  return packages.sort((a, b) => b.sizeBytes - a.sizeBytes || byCodeUnit(a.name, b.name));
}

/** The package of these modules. */
export function packageWith(name: string, modules: readonly PageModule[]): PackageBytes {
  const sum = (what: 'sizeBytes' | 'savedBytes') => modules.reduce((total, module) => total + module[what], 0);
  return { name, sizeBytes: sum('sizeBytes'), savedBytes: sum('savedBytes'), modules };
}
