import { byCodeUnit, type PayloadPath } from '../files/path.ts';
import { getOrAdd, groupBy } from '../get-or-add.ts';
import type { PycFacts } from '../marshal/pyc-facts.ts';
import type { BytecodeFacts } from '../payload/bytecode.ts';
import type { Unread } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { type Level, moduleInCache, parsePycPath } from '../pyc/name.ts';
import type { DiffKind } from './kinds.ts';

/** A pyc of a payload. */
export interface DiffPyc {
  /** Equal for the names of one file. */
  readonly file: string;
  readonly facts: PycFacts | Unread | undefined;
}

/** A module as one interpreter loads it. */
export interface DiffModule {
  readonly source: PayloadPath;
  /** Undefined for pycs next to their source. */
  readonly cacheTag: string | undefined;
  readonly pycs: ReadonlyMap<Level, DiffPyc>;
}

/** A level of a module that has different bytes in the two payloads. */
interface DiffPair {
  readonly level: Level;
  readonly old: DiffPyc;
  readonly now: DiffPyc;
}

/** A module that differs between two payloads. */
export interface ModulePair extends Omit<DiffModule, 'pycs'> {
  /** Differences that are known without reading the bytes. */
  readonly known: readonly { readonly kind: DiffKind; readonly detail: string; readonly levels: readonly Level[] }[];
  /** The pycs to compare. */
  readonly pairs: readonly DiffPair[];
}

/** The modules of a payload that have pycs. */
export function modulesOf(payload: Payload, { pycs }: Pick<BytecodeFacts, 'pycs'>): readonly DiffModule[] {
  const modules = new Map<string, DiffModule & { readonly pycs: Map<Level, DiffPyc> }>();
  for (const { path, file, isGhost } of payload.files) {
    const name = isGhost ? undefined : (parsePycPath(path) ?? moduleInCache(path));
    if (name === undefined) continue;
    const { source, cacheTag, level } = name;
    const module = getOrAdd(modules, `${source}\0${cacheTag ?? ''}`, () => ({ source, cacheTag, pycs: new Map() }));
    if (!module.pycs.has(level)) module.pycs.set(level, { file, facts: pycs.get(file) });
  }
  return [...modules.values()];
}

/** Pairs the modules that differ, by source. Leaves out modules with the same bytes and links. */
export function pairModules(old: readonly DiffModule[], now: readonly DiffModule[]): readonly ModulePair[] {
  const sources = new Map<PayloadPath, { readonly was: DiffModule[]; readonly is: DiffModule[] }>();
  const of = (source: PayloadPath) => getOrAdd(sources, source, () => ({ was: [], is: [] }));
  for (const module of old) of(module.source).was.push(module);
  for (const module of now) of(module.source).is.push(module);
  const pairs = Array.from(sources.values()).flatMap(({ was, is }) => pairSource(was, is));
  return pairs.toSorted((a, b) => byCodeUnit(a.source, b.source) || byCodeUnit(a.cacheTag ?? '', b.cacheTag ?? ''));
}

/** Compares the cache tags of one source. If one was removed and one added, it is for another interpreter now. */
function pairSource(was: readonly DiffModule[], is: readonly DiffModule[]): ModulePair[] {
  const inBoth = is.flatMap((one) => {
    const other = was.find(({ cacheTag }) => cacheTag === one.cacheTag);
    return other === undefined ? [] : pairLevels(other, one);
  });
  const without = (some: readonly DiffModule[], others: readonly DiffModule[]) =>
    some.filter((one) => !others.some(({ cacheTag }) => cacheTag === one.cacheTag));
  const [removed, added] = [without(was, is), without(is, was)];
  const only = (module: DiffModule, kind: DiffKind, detail: string): ModulePair => {
    const { source, cacheTag } = module;
    return { source, cacheTag, known: [{ kind, detail, levels: levelsOf(module) }], pairs: [] };
  };
  const [[went], [came]] = [removed, added];
  const differing = inBoth.filter(({ known, pairs }) => known.length + pairs.length > 0);
  if (went?.cacheTag && came?.cacheTag && removed.length + added.length === 2) {
    return [...differing, only(came, 'interpreter', `for ${came.cacheTag}, was for ${went.cacheTag}`)];
  }
  return [
    ...differing,
    ...removed.map((one) => only(one, 'removed', placeOf(one))),
    ...added.map((one) => only(one, 'added', placeOf(one))),
  ];
}

function placeOf({ cacheTag }: DiffModule): string {
  return cacheTag === undefined ? 'a pyc without a cache tag' : `for ${cacheTag}`;
}

function pairLevels(was: DiffModule, is: DiffModule): ModulePair {
  const { source, cacheTag } = is;
  const common = levelsOf(was).filter((level) => is.pycs.has(level));
  const all = common.map((level) => ({
    level,
    old: was.pycs.get(level) as DiffPyc,
    now: is.pycs.get(level) as DiffPyc,
  }));
  const pairs = all.filter(({ old, now }) => sha256Of(old) === undefined || sha256Of(old) !== sha256Of(now));
  const without = (a: DiffModule, b: DiffModule) => levelsOf(a).filter((level) => !b.pycs.has(level));
  const [added, removed] = [without(is, was), without(was, is)];
  const known: ModulePair['known'][number][] = [];
  if (added.length > 0) known.push({ kind: 'levels', detail: 'added', levels: added });
  if (removed.length > 0) known.push({ kind: 'levels', detail: 'removed', levels: removed });
  const [linked, isNow] = [groupsOf(was, common), groupsOf(is, common)];
  if (linked !== isNow) known.push({ kind: 'links', detail: `linked levels: ${isNow}, was ${linked}`, levels: common });
  return { source, cacheTag, known, pairs };
}

function levelsOf({ pycs }: DiffModule): Level[] {
  return [...pycs.keys()].sort();
}

function sha256Of({ facts }: DiffPyc): string | undefined {
  return facts === undefined || 'unread' in facts ? undefined : facts.sha256;
}

/** Which levels share a file, as text: `0=1 2`. */
function groupsOf({ pycs }: DiffModule, levels: readonly Level[]): string {
  const groups = groupBy(levels, (level) => pycs.get(level)?.file ?? '');
  return Array.from(groups.values(), (group) => group.join('=')).join(' ');
}
