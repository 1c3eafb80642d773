import { packageOf } from '../audit/finding.ts';
import { byCodeUnit } from '../files/path.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { PageModule } from './page.ts';

/** A Python package, such as `numpy`, with the sums over its modules. */
export interface PackageBytes {
  readonly name: string;
  readonly sizeBytes: number;
  readonly savedBytes: number;
  readonly modules: readonly PageModule[];
}

/** Groups modules by package, the largest first. */
export function packagesOf(modules: readonly PageModule[]): PackageBytes[] {
  const byName = new Map<string, PageModule[]>();
  for (const module of modules) getOrAdd(byName, packageOf(module.source), () => []).push(module);
  const packages = Array.from(byName, ([name, own]) => ({
    name,
    sizeBytes: own.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    savedBytes: own.reduce((sum, { savedBytes }) => sum + savedBytes, 0),
    modules: own,
  }));
  return packages.sort((a, b) => b.sizeBytes - a.sizeBytes || byCodeUnit(a.name, b.name));
}
