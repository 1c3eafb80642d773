import { childOf, nameOf, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';

/** An optimization level as `compileall -o` takes it. */
export type Level = 0 | 1 | 2;

export const levels: readonly Level[] = [0, 1, 2];

/** Where pycs go: into `__pycache__` (PEP 3147), or beside their sources, where zipimport looks for them. */
export const layouts = ['pycache', 'zip'] as const;
export type Layout = (typeof layouts)[number];

/** The parts of a pyc's name. */
export interface PycName<P extends StagedPath | PayloadPath> {
  /** The source that the pyc was compiled from. */
  readonly source: P;
  /** `cpython-311`; undefined if the pyc is beside its source, as before PEP 3147. */
  readonly cacheTag: string | undefined;
  /** Beside its source, where the name says nothing else: 0. */
  readonly level: Level;
}

/**
 * Where the pyc of a source goes.
 * @param cacheTag undefined: beside the source, where a module has one pyc, of any level
 * @see PEP 3147, PEP 488, importlib.util.cache_from_source
 */
export function pycPath<P extends StagedPath | PayloadPath>(source: P, cacheTag: string | undefined, level: Level): P {
  const tag = cacheTag === undefined ? '' : `.${cacheTag}${level === 0 ? '' : `.opt-${level}`}`;
  return `${pycStem(source, cacheTag === undefined)}${tag}.pyc` as P;
}

/** What the paths of all pycs of a source begin with. @param isBeside of those beside the source */
export function pycStem(source: StagedPath | PayloadPath, isBeside = false): string {
  const stem = source.endsWith('.py') ? source.slice(0, -3) : source;
  if (isBeside) return stem;
  const slash = stem.lastIndexOf('/') + 1;
  return `${stem.slice(0, slash)}__pycache__/${stem.slice(slash)}`;
}

/** Reads the path of a `.pyc` or `.pyo`; undefined if it is not named as one. */
export function parsePycPath<P extends StagedPath | PayloadPath>(path: P): PycName<P> | undefined {
  const directory = parentOf(path);
  if (nameOf(directory) !== '__pycache__') {
    const legacy = /^(?<stem>.+?)(?:\.opt-(?<level>[12]))?\.py(?<kind>[co])$/s.exec(nameOf(path))?.groups;
    if (legacy === undefined) return undefined;
    const source = childOf(directory, `${legacy['stem']}.py`);
    const level = Number(legacy['level'] ?? (legacy['kind'] === 'o' ? 1 : 0)) as Level;
    return { source, cacheTag: undefined, level };
  }
  const match = /^(?<stem>.+)\.(?<cacheTag>(?!opt-[12]\.py[co]$)[^.]+)(?:\.opt-(?<level>[12]))?\.py[co]$/s.exec(
    nameOf(path),
  )?.groups;
  if (match === undefined) return undefined;
  return {
    source: childOf(parentOf(directory), `${match['stem']}.py`),
    cacheTag: match['cacheTag'],
    level: Number(match['level'] ?? 0) as Level,
  };
}
