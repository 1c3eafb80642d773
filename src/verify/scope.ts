import { pythonDirectoryOf, searchDirectoryOf } from '../buildroot/python-directory.ts';
import { childOf, contains, nameOf, type PayloadPath, parentOf } from '../files/path.ts';
import type { PycRecord } from '../manifest/schema.ts';
import type { Payload } from '../payload/payload.ts';

/** Files that a whole system has, but not the tree of a package. @see os-release(5) */
export const systemFiles: readonly PayloadPath[] = [
  '/usr/lib/os-release' as PayloadPath,
  '/etc/os-release' as PayloadPath,
];

/**
 * Whether a module belongs to the packages of the manifest.
 * @param isAlone whether its pyc is loaded without the source
 */
export type ManifestScope = (source: PayloadPath, isAlone: boolean) => boolean;

/** The scope of a package by itself: everything belongs to it. */
export const everything: ManifestScope = () => true;

/**
 * The scope of a manifest in a whole system, which also has the bytecode of other packages. These modules belong to the
 * manifest:
 * - modules in a directory where the manifest has a module, and in the directories below; in a directory on sys.path,
 *   only those directly in it;
 * - modules that Python loads instead of one of its modules or packages, because they have the same name;
 * - pycs that Python loads without a source, in all directories on the way to its modules;
 * - everything that symlinks in these places lead to.
 */
export function scopeOf(records: readonly PycRecord[], payload: Payload): ManifestScope {
  const sources = new Set<PayloadPath>();
  /** Directories with a module of the manifest. */
  const own = new Set<PayloadPath>();
  /** These directories, and their parents up to the one on sys.path. */
  const onTheWay = new Set<PayloadPath>();
  for (const source of sourcesIn(records, payload)) {
    sources.add(source);
    own.add(parentOf(source));
    for (const directory of directoriesOf(source)) onTheWay.add(directory);
  }
  const belongs: ManifestScope = (source, isAlone) => {
    const directory = parentOf(source);
    const shadowed = nameOf(source) === '__init__.py' ? directory : source.replace(/\.py$/, '');
    return (
      own.has(directory) ||
      directoriesOf(source)
        .slice(0, -1)
        .some((above) => own.has(above) || sources.has(`${above}.py` as PayloadPath)) ||
      onTheWay.has(shadowed as PayloadPath) ||
      (isAlone && onTheWay.has(directory))
    );
  };
  const symlinks = payload.all.filter(({ type }) => type === 'symlink');
  for (let known = -1; known < own.size; ) {
    known = own.size;
    for (const { path } of symlinks) {
      const isCache = nameOf(path) === '__pycache__';
      const inside = isCache ? childOf(parentOf(path), 'module.py') : childOf(path, '__init__.py');
      const target = belongs(inside, false) ? payload.realPath(path) : undefined;
      if (target !== undefined) own.add(target);
    }
  }
  return belongs;
}

/** The directories of the running system to search for a manifest: those on sys.path, and others with modules. */
export function directoriesToSearch(records: readonly PycRecord[]): PayloadPath[] {
  const directories = new Set(records.map(({ source }) => pythonDirectoryOf(source)?.directory ?? parentOf(source)));
  return [...directories].filter((one) => ![...directories].some((other) => other !== one && contains(other, one)));
}

/** The sources of a manifest, also under their real paths if parent directories are symlinks. */
function sourcesIn(records: readonly PycRecord[], payload: Payload): PayloadPath[] {
  return records.flatMap(({ source }) => {
    const directory = payload.realPath(parentOf(source));
    return directory === undefined ? [source] : [source, childOf(directory, nameOf(source))];
  });
}

/** The directories of a source, from its own up to the one on sys.path or, outside of known directories, the root. */
function directoriesOf(source: PayloadPath): PayloadPath[] {
  const top = searchDirectoryOf(source);
  const directories: PayloadPath[] = [];
  for (let directory = parentOf(source); ; directory = parentOf(directory)) {
    directories.push(directory);
    if (directory === top || directory === '/') return directories;
  }
}
