import { PyclinkError } from '../errors.ts';
import { childOf, maxSymlinks, nameOf, type PayloadPath, parentOf, plainPath } from '../files/path.ts';
import { groupBy } from '../get-or-add.ts';
import type { Contents, PayloadEntry } from './entry.ts';

/**
 * The maximum number of files behind symlinks named `__pycache__`. Real packages have few; many symlinks to one large
 * directory would multiply the names.
 */
const maxNamesInSymlinks = 100_000;

/** A file system: the names of one or more containers that belong together. */
export class Payload {
  /** By path. Several entries if packages share a path. */
  readonly entries: ReadonlyMap<PayloadPath, readonly PayloadEntry[]>;
  /** Which layer of an image removed a path. */
  readonly removedBy: ReadonlyMap<PayloadPath, string>;
  readonly #contents: readonly Contents[];

  /** @param contents of containers that are installed together */
  constructor(contents: readonly Contents[]) {
    const entries = new Map<PayloadPath, PayloadEntry[]>();
    for (const entry of contents.flatMap((one) => one.entries)) {
      const others = entries.get(entry.path);
      if (others === undefined) entries.set(entry.path, [entry]);
      // Two directories of one system share the directories above them.
      else if (!others.some(({ container, file }) => container === entry.container && file === entry.file)) {
        others.push(entry);
      }
    }
    this.entries = entries;
    this.removedBy = new Map(contents.flatMap((one) => [...one.removedBy]));
    this.#contents = contents;
  }

  /** Everything in it. */
  get all(): PayloadEntry[] {
    return Array.from(this.entries.values()).flat();
  }

  /** The files under all names that lead to them, including symlinks and names in a `__pycache__` that is a symlink. */
  get files(): PayloadEntry[] {
    const all = this.all;
    const symlinks = all.filter(({ type }) => type === 'symlink');
    const caches = symlinks.filter(({ path }) => nameOf(path) === '__pycache__');
    const inside = groupBy(caches.length > 0 ? all : [], ({ path }) => parentOf(path));
    let count = 0;
    const named = [
      ...symlinks,
      ...caches.flatMap((cache) => {
        const names = inside.get(this.realPath(cache.path) ?? cache.path) ?? [];
        count += names.length;
        if (count > maxNamesInSymlinks) throw tooManyNames(cache);
        return names.map(({ path }) => ({ ...cache, path: childOf(cache.path, nameOf(path)) }));
      }),
    ];
    const followed = named.flatMap(({ path, container }) =>
      this.follow(path).map((file) => ({ ...file, path, container, leadsTo: file.path })),
    );
    return [...all, ...followed].filter(({ type }) => type === 'file');
  }

  /** The entries of a path, following symlinks to directories but not the last component. */
  at(path: PayloadPath): readonly PayloadEntry[] {
    const found = this.entries.get(path);
    if (found !== undefined) return found;
    const directory = this.realPath(parentOf(path));
    return (directory && this.entries.get(childOf(directory, nameOf(path)))) ?? [];
  }

  /** Whether something is at a path. */
  has(path: PayloadPath): boolean {
    return this.at(path).length > 0;
  }

  /** The files that a path leads to if symlinks are followed; empty if it leads to none. */
  follow(path: PayloadPath): readonly PayloadEntry[] {
    const found = this.entries.get(path);
    if (found !== undefined && found[0]?.type !== 'symlink') return found;
    const end = this.realPath(path);
    return (end && this.entries.get(end)) ?? [];
  }

  /** A path without symlinks; undefined if they form a loop. */
  realPath(path: PayloadPath): PayloadPath | undefined {
    for (const { resolve } of this.#contents) {
      const resolved = resolve?.(path);
      if (resolved !== undefined) return resolved;
    }
    return throughSymlinks(path, (one) => this.entries.get(one)?.[0]);
  }
}

/** Follows all symlinks of a path. @returns undefined if they form a loop */
function throughSymlinks(
  path: PayloadPath,
  at: (path: PayloadPath) => PayloadEntry | undefined,
): PayloadPath | undefined {
  let reached = path;
  let followed = 0;
  for (let end = 0; reached !== '/' && end >= 0; ) {
    end = reached.indexOf('/', end + 1);
    const start = (end < 0 ? reached : reached.slice(0, end)) as PayloadPath;
    const entry = at(start);
    if (entry?.type !== 'symlink') continue;
    followed += 1;
    if (followed > maxSymlinks) return undefined;
    reached = `${targetOf(entry)}${reached.slice(start.length)}`.replace('//', '/') as PayloadPath;
    end = 0;
  }
  return reached;
}

/** Follows symlinks on the way to a path, but not its last component. @returns undefined if they form a loop */
export function placeOf(
  path: PayloadPath,
  at: (path: PayloadPath) => PayloadEntry | undefined,
): PayloadPath | undefined {
  if (path === '/') return path;
  const directory = throughSymlinks(parentOf(path), at);
  return directory && childOf(directory, nameOf(path));
}

/** The path that a symlink names. */
function targetOf({ path, target = '' }: PayloadEntry): PayloadPath {
  return plainPath(target.startsWith('/') ? target : `${parentOf(path)}/${target}`) as PayloadPath;
}

function tooManyNames({ path, container }: PayloadEntry): PyclinkError {
  const reason = `has more than ${maxNamesInSymlinks} files behind symlinks named __pycache__: ${path}`;
  return new PyclinkError('tool-failed', reason, { path: container });
}
