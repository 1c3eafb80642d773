import { childOf, nameOf, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';

/** An optimization level as `compileall -o` takes it. */
export type Level = 0 | 1 | 2;

export const levels: readonly Level[] = [0, 1, 2];

/** Where pycs go: into `__pycache__` (PEP 3147), or next to their sources, where zipimport looks for them. */
export const layouts = ['pycache', 'zip'] as const;
export type Layout = (typeof layouts)[number];

/** The parsed name of a pyc. */
export interface PycName<P extends StagedPath | PayloadPath> {
  /** The source that the pyc was compiled from. */
  readonly source: P;
  /**
   * `cpython-311`; undefined if the pyc is next to its source, as before PEP 3147. `cpython-311.opt-3` for a level that
   * only `python3 -OOO` has: it compiles like level 2.
   */
  readonly cacheTag: string | undefined;
  /** 0 if the pyc is next to its source, because the name then does not tell the level. */
  readonly level: Level;
}

/**
 * The path of a source's pyc.
 * @see PEP 3147, PEP 488, importlib.util.cache_from_source
 */
export function pycPath<P extends StagedPath | PayloadPath>(
  source: P,
  cacheTag: string,
  level: Level,
  layout: Layout = 'pycache',
): P {
  // Next to its source a module has one pyc, of any level.
  const ending = layout === 'zip' ? '' : `.${cacheTag}${level === 0 ? '' : `.opt-${level}`}`;
  return `${pycStem(source, layout)}${ending}.pyc` as P;
}

/** The common prefix of all pyc paths of a source. */
export function pycStem(source: StagedPath | PayloadPath, layout: Layout = 'pycache'): string {
  const stem = source.endsWith('.py') ? source.slice(0, -3) : source;
  if (layout === 'zip') return stem;
  const slash = stem.lastIndexOf('/') + 1;
  return `${stem.slice(0, slash)}__pycache__/${stem.slice(slash)}`;
}

/** Parses the path of a `.pyc` or `.pyo`; undefined if the name is not that of one. */
export function parsePycPath<P extends StagedPath | PayloadPath>(path: P): PycName<P> | undefined {
  const directory = parentOf(path);
  if (nameOf(directory) !== '__pycache__') {
    const legacy = /^(?<stem>.+?)(?:\.opt-(?<level>[12]))?\.py(?<kind>[co])$/s.exec(nameOf(path))?.groups;
    if (legacy === undefined) return undefined;
    const source = childOf(directory, `${legacy['stem']}.py`);
    const level = Number(legacy['level'] ?? (legacy['kind'] === 'o' ? 1 : 0)) as Level;
    return { source, cacheTag: undefined, level };
  }
  const match =
    /^(?<stem>.+)\.(?<cacheTag>(?!opt-)[^.]+(?:\.opt-(?![12]\.)[^.]+)?)(?:\.opt-(?<level>[12]))?\.py[co]$/s.exec(
      nameOf(path),
    )?.groups;
  if (match === undefined) return undefined;
  const isOtherLevel = match['cacheTag']?.includes('.') === true;
  return {
    source: childOf(parentOf(directory), `${match['stem']}.py`),
    cacheTag: match['cacheTag'],
    level: Number(match['level'] ?? (isOtherLevel ? 2 : 0)) as Level,
  };
}

/**
 * Whether these paths are pycs of one source and one cache tag in one directory, as a build writes them.
 * @param cacheTag only for a pyc next to its source, whose name does not have it
 */
export function arePycsOf(source: PayloadPath, paths: readonly PayloadPath[], cacheTag?: string): boolean {
  if (paths.length === 1 && paths[0] === pycPath(source, '', 0, 'zip')) return cacheTag !== undefined;
  const names = paths.map((path) => parsePycPath(path));
  const isOne = new Set(paths.map(parentOf)).size === 1 && new Set(names.map((name) => name?.cacheTag)).size === 1;
  const isInCache = cacheTag === undefined && names[0]?.cacheTag !== undefined;
  return isOne && isInCache && names.every((name) => name?.source === source);
}

/** `import shop.__pycache__.evil` loads a pyc without a cache tag in its name from a `__pycache__`. */
export function moduleInCache(path: PayloadPath): PycName<PayloadPath> | undefined {
  const isModule = nameOf(parentOf(path)) === '__pycache__' && /^[^.]+\.pyc$/.test(nameOf(path));
  return isModule ? { source: path.slice(0, -1) as PayloadPath, cacheTag: undefined, level: 0 } : undefined;
}
