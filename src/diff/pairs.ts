import { byCodeUnit, type PayloadPath } from '../files/path.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { PycFacts } from '../marshal/pyc-facts.ts';
import type { BytecodeFacts } from '../payload/bytecode.ts';
import type { Unread } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { type Level, parsePycPath } from '../pyc/name.ts';
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
  /** Undefined for pycs beside their source. */
  readonly cacheTag: string | undefined;
  readonly pycs: ReadonlyMap<Level, DiffPyc>;
}

/** A level of a module that both payloads have, with other bytes. */
interface DiffPair {
  readonly level: Level;
  readonly old: DiffPyc;
  readonly now: DiffPyc;
}

/** A module that is not the same in two payloads. */
export interface ModulePair extends Omit<DiffModule, 'pycs'> {
  /** What is known without the bytes. */
  readonly known: readonly { readonly kind: DiffKind; readonly detail: string; readonly levels: readonly Level[] }[];
  /** The bytes of these are compared. */
  readonly pairs: readonly DiffPair[];
}

/** The modules of a payload that have pycs. */
export function modulesOf(payload: Payload, { pycs }: Pick<BytecodeFacts, 'pycs'>): ReadonlyMap<string, DiffModule> {
  const modules = new Map<string, DiffModule & { readonly pycs: Map<Level, DiffPyc> }>();
  for (const { path, isGhost } of payload.all) {
    const name = isGhost ? undefined : parsePycPath(path);
    const [entry] = name === undefined ? [] : payload.follow(path);
    if (name === undefined || entry?.type !== 'file') continue;
    const { source, cacheTag, level } = name;
    const module = getOrAdd(modules, `${source}\0${cacheTag ?? ''}`, () => ({ source, cacheTag, pycs: new Map() }));
    if (!module.pycs.has(level)) module.pycs.set(level, { file: entry.file, facts: pycs.get(entry.file) });
  }
  return modules;
}

/** The modules that differ, by source and cache tag. Modules with the same bytes and links are not among them. */
export function pairModules(
  old: ReadonlyMap<string, DiffModule>,
  now: ReadonlyMap<string, DiffModule>,
): readonly ModulePair[] {
  const keys = [...new Set([...old.keys(), ...now.keys()])].sort(byCodeUnit);
  return keys.flatMap((key): ModulePair[] => {
    const [was, is] = [old.get(key), now.get(key)];
    const { source, cacheTag } = (is ?? was) as DiffModule;
    const only = was === undefined ? is : is === undefined ? was : undefined;
    if (only !== undefined) {
      const levels = levelsOf(only);
      const detail = cacheTag === undefined ? 'a pyc beside its source' : `for ${cacheTag}`;
      return [
        { source, cacheTag, known: [{ kind: was === undefined ? 'added' : 'removed', detail, levels }], pairs: [] },
      ];
    }
    const pair = pairLevels(was as DiffModule, is as DiffModule);
    return pair.known.length + pair.pairs.length === 0 ? [] : [pair];
  });
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
  if (linked !== isNow) known.push({ kind: 'links', detail: `one file: ${isNow}, was ${linked}`, levels: common });
  return { source, cacheTag, known, pairs };
}

function levelsOf({ pycs }: DiffModule): Level[] {
  return [...pycs.keys()].sort();
}

function sha256Of({ facts }: DiffPyc): string | undefined {
  return facts === undefined || 'unread' in facts ? undefined : facts.sha256;
}

/** Which levels are one file, in words: `0=1 2`. */
function groupsOf({ pycs }: DiffModule, levels: readonly Level[]): string {
  const groups = new Map<string, Level[]>();
  for (const level of levels) getOrAdd(groups, pycs.get(level)?.file ?? '', () => []).push(level);
  return Array.from(groups.values(), (group) => group.join('=')).join(' ');
}
