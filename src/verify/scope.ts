import { pythonDirectoryOf, searchDirectoryOf } from '../buildroot/python-directory.ts';
import { childOf, contains, nameOf, type PayloadPath, parentOf } from '../files/path.ts';
import type { PycRecord } from '../manifest/schema.ts';
import type { Payload } from '../payload/payload.ts';

/** What a whole system has, and the tree of a package has not. @see os-release(5) */
export const systemFiles: readonly PayloadPath[] = [
  '/usr/lib/os-release' as PayloadPath,
  '/etc/os-release' as PayloadPath,
];

/**
 * Tells whose a module is, by its source.
 * @param isAlone its pyc is loaded without the source
 * @returns whether it belongs to the packages of the manifest
 */
export type ManifestScope = (source: PayloadPath, isAlone: boolean) => boolean;

/** The scope of a package that is given by itself. */
export const everything: ManifestScope = () => true;

/**
 * The scope of a manifest in a whole system, which has the bytecode of other packages too. These belong to the manifest:
 * - modules in a directory in which it has a module, and in the directories below; of a directory on sys.path only those
 *   directly in it;
 * - modules that Python loads instead of one of its modules or packages, because they have the same name;
 * - pycs that Python loads without a source, in all directories on the way to its modules;
 * - all that a symlink in these places leads to.
 */
export function scopeOf(records: readonly PycRecord[], payload: Payload): ManifestScope {
  const sources = new Set<PayloadPath>();
  /** Directories with a module of the manifest. */
  const own = new Set<PayloadPath>();
  /** Those, and all above them up to one on sys.path. */
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
      const target = belongs(inside, false) ? payload.directoryAt(path) : undefined;
      if (target !== undefined) own.add(target);
    }
  }
  return belongs;
}

/** The directories of the running system that a manifest is about: those on sys.path, and others with modules. */
export function directoriesToSearch(records: readonly PycRecord[]): PayloadPath[] {
  const directories = new Set(records.map(({ source }) => pythonDirectoryOf(source)?.directory ?? parentOf(source)));
  return [...directories].filter((one) => ![...directories].some((other) => other !== one && contains(other, one)));
}

/** The sources of a manifest, and where they lie if directories on the way are symlinks. */
function sourcesIn(records: readonly PycRecord[], payload: Payload): PayloadPath[] {
  return records.flatMap(({ source }) => {
    const directory = payload.directoryAt(parentOf(source));
    return directory === undefined ? [source] : [source, childOf(directory, nameOf(source))];
  });
}

/** The directories that a source is in, from its own to the one on sys.path; outside of those known, to the root. */
function directoriesOf(source: PayloadPath): PayloadPath[] {
  const top = searchDirectoryOf(source);
  const directories: PayloadPath[] = [];
  for (let directory = parentOf(source); ; directory = parentOf(directory)) {
    directories.push(directory);
    if (directory === top || directory === '/') return directories;
  }
}
