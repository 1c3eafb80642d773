import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { walk } from '../buildroot/walk.ts';
import { errnoOf, PyclinkError } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import { byCodeUnit, type StagedPath } from '../files/path.ts';
import { type FileIdentity, statIfAny } from '../files/stat.ts';

/** Matches the names of binary packages of all systems whose packages contain Python modules. */
const packageName = /(?<!\.(?:no)?src)\.(?:rpm|u?deb|ddeb|apk|ipk|whl|egg|conda|tbz2|gpkg\.tar|pkg\.tar(?:\.\w+)?)$/;

/**
 * Expands a target to packages: those that a `.changes` file lists; or those in a directory that contains packages and
 * no Python files; or those in its subdirectories at any depth, because rpmbuild has one for each architecture. Follows
 * symlinks. Any other target is returned as it is.
 * @throws PyclinkError `usage` if a `.changes` file lists no package, or a missing one
 */
export function packagesOf(target: string): readonly string[] {
  // Whoever opens a target reports why it cannot be opened.
  const kind = ifPossible(() => statIfAny(target))?.kind;
  if (kind === 'file' && target.endsWith('.changes')) return packagesOfChanges(target);
  const packages = kind === 'directory' ? packagesBelow(target) : [];
  return packages.length === 0 ? [target] : packages;
}

/** @see deb-changes(5): the last word of each line of the field `Files` is a name */
function packagesOfChanges(changes: string): string[] {
  const field = /^Files:.*\n((?:[ \t].*\n?)*)/m.exec(readText(changes))?.[1] ?? '';
  const names = field.split('\n').map((line) => line.trim().split(/\s+/).at(-1) ?? '');
  const packages = names.filter((name) => packageName.test(name)).map((name) => join(dirname(changes), name));
  if (packages.length === 0) throw new PyclinkError('usage', 'lists no binary packages', { path: changes });
  const missing = packages.find((path) => statIfAny(path) === undefined);
  if (missing !== undefined)
    throw new PyclinkError('usage', `lists ${missing}, which does not exist`, { path: changes });
  return packages;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new PyclinkError('usage', `cannot be opened (${errnoOf(error)})`, { path: file, cause: error });
  }
}

function packagesBelow(directory: string): string[] {
  const isOfPackages = packagesWithin(directory, 1, new Set()).length > 0 && !hasPython(directory);
  return isOfPackages ? packagesWithin(directory, Number.POSITIVE_INFINITY, new Set()).sort(byCodeUnit) : [];
}

/** @param levels how many directories further down @param seen directories: symlinks may lead in a circle */
function packagesWithin(directory: string, levels: number, seen: Set<FileIdentity>): string[] {
  const at = ifPossible(() => statIfAny(directory));
  if (at === undefined || seen.has(at.identity)) return [];
  seen.add(at.identity);
  // A directory that cannot be listed is reported when it is searched.
  const names = ifPossible(() => readdirSync(directory)) ?? [];
  return names.flatMap((name) => {
    const path = join(directory, name);
    if (ifPossible(() => statIfAny(path))?.kind !== 'directory') return packageName.test(name) ? [path] : [];
    return levels === 0 ? [] : packagesWithin(path, levels - 1, seen);
  });
}

function hasPython(directory: string): boolean {
  const limits = { otherFileSystems: "the kernel's" } as const;
  return walk(resolve(directory) as StagedPath, /\.py[co]?$/, limits).found.length > 0;
}
