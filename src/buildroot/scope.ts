import { ifPossible } from '../files/if-possible.ts';
import { contains, type StagedPath } from '../files/path.ts';
import { type FileIdentity, lstat, lstatIfAny } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { Buildroot } from './path.ts';
import { walkLimits } from './running-system.ts';
import { startingPoints } from './starting-points.ts';
import { isReached, type WalkLimits, walk } from './walk.ts';

/** The names of a file, at least one. */
export type Names = readonly [StagedPath, ...StagedPath[]];

/** What a command may change: the files in its PATHs. */
export class Scope {
  readonly #points: readonly StagedPath[];
  readonly #limits: WalkLimits;
  #names: ReadonlyMap<FileIdentity, ReadonlySet<StagedPath>> | undefined;

  /**
   * @param paths staged or payload paths; if empty, the whole buildroot
   * @throws PyclinkError `usage` for a PATH that cannot be used
   */
  constructor(buildroot: Buildroot, paths: readonly string[]) {
    this.#points = paths.length === 0 ? [buildroot.path] : startingPoints(buildroot, paths);
    this.#limits = walkLimits(buildroot);
  }

  /** Whether a file is in the PATHs and in a part of them that is searched. @throws the system's error */
  includes(path: StagedPath): boolean {
    return this.#points.some((point) => contains(point, path) && isReached(point, path, this.#limits));
  }

  /**
   * The current names of a file in the PATHs, `path` first. The first call searches the PATHs.
   * @param path one of the names
   */
  namesOf(path: StagedPath, identity: FileIdentity): Names {
    this.#names ??= this.#search();
    const others = [...(this.#names.get(identity) ?? [])].filter((name) => name !== path);
    return [path, ...others.filter((name) => identityIfAny(name) === identity)];
  }

  #search(): ReadonlyMap<FileIdentity, ReadonlySet<StagedPath>> {
    const names = new Map<FileIdentity, Set<StagedPath>>();
    for (const point of this.#points) {
      const found = lstat(point).kind === 'directory' ? walk(point, /^/, this.#limits).found : [];
      const files = found.filter(({ type }) => type === 'file').map(({ path }) => path);
      for (const path of [...files, point]) {
        const identity = identityIfAny(path);
        if (identity !== undefined) getOrAdd(names, identity, () => new Set()).add(path);
      }
    }
    return names;
  }
}

/** The identity of a file with several names; undefined for other files. */
function identityIfAny(path: StagedPath): FileIdentity | undefined {
  const stat = ifPossible(() => lstatIfAny(path));
  return stat !== undefined && stat.kind === 'file' && stat.links > 1 ? stat.identity : undefined;
}
