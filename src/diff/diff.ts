import { searchDirectoryOf } from '../buildroot/python-directory.ts';
import { nameOf, type PayloadPath } from '../files/path.ts';
import type { Search } from '../payload/entry.ts';
import { contentAt, searchForFiles, TemporaryDirectory } from '../payload/extract.ts';
import type { Level } from '../pyc/name.ts';
import { comparePycs, type PycDifference } from './compare.ts';
import type { DiffKind } from './kinds.ts';
import type { DiffPyc, ModulePair } from './pairs.ts';

/** One difference of a module. */
export interface DiffFinding {
  readonly kind: DiffKind;
  readonly path: PayloadPath;
  readonly cacheTag: string | undefined;
  /** For `code`: the function or class, with its module: `shop.cart.Shop.pay`. */
  readonly code?: string;
  readonly levels: readonly Level[];
  readonly detail: string;
}

/** Searches a payload again. */
export type SearchAgain = (search: Search) => Promise<unknown>;

/**
 * Finds how modules differ. Extracts their pycs to a private directory, and reads them one pair at a time.
 * @throws PyclinkError `file-failed`
 */
export async function diff(modules: readonly ModulePair[], searchOld: SearchAgain, searchNow: SearchAgain) {
  const directory = new TemporaryDirectory();
  try {
    const pairs = modules.flatMap((module) => module.pairs);
    const extract = async (search: SearchAgain, pycs: readonly DiffPyc[]) => {
      const wanted = searchForFiles(new Set(pycs.map(({ file }) => file)), /\.py[co]$/, directory);
      if (pycs.length > 0) await search(wanted.search);
      return ({ file }: DiffPyc) => contentAt(wanted.paths.get(file));
    };
    const [old, now] = [pairs.map((pair) => pair.old), pairs.map((pair) => pair.now)];
    const [contentOfOld, contentOfNow] = [await extract(searchOld, old), await extract(searchNow, now)];
    return modules.flatMap((module) => findingsOf(module, contentOfOld, contentOfNow));
  } finally {
    directory.remove();
  }
}

type ContentOf = (pyc: DiffPyc) => Buffer | undefined;

/** The findings of a module, merged over its levels. Different links are not reported if the code differs. */
function findingsOf(module: ModulePair, contentOfOld: ContentOf, contentOfNow: ContentOf): DiffFinding[] {
  const { source: path, cacheTag, pairs } = module;
  const found = new Map<string, DiffFinding & { readonly levels: Level[] }>();
  for (const { level, old, now } of pairs) {
    for (const { kind, code, detail } of differencesOf(contentOfOld(old), contentOfNow(now), old, now)) {
      const key = `${kind}\0${code ?? ''}`;
      const known = found.get(key);
      if (known !== undefined) {
        if (!known.levels.includes(level)) known.levels.push(level);
        continue;
      }
      const named = code === undefined ? {} : { code: code.replace('<module>', moduleName(path)) };
      found.set(key, { kind, path, cacheTag, ...named, levels: [level], detail });
    }
  }
  const hasOtherCode = Array.from(found.values()).some(({ kind }) => kind === 'code' || kind === 'interpreter');
  const known = module.known.filter(({ kind }) => kind !== 'links' || !hasOtherCode);
  return [...known.map((one) => ({ ...one, path, cacheTag })), ...found.values()];
}

function differencesOf(
  old: Buffer | undefined,
  now: Buffer | undefined,
  was: DiffPyc,
  is: DiffPyc,
): readonly PycDifference[] {
  if (old !== undefined && now !== undefined) return old.equals(now) ? [] : comparePycs(old, now);
  const reasons = [was, is].flatMap(({ facts }) => (facts !== undefined && 'unread' in facts ? facts.unread : []));
  return [{ kind: 'bytes', detail: reasons[0] ?? 'it has no content in the payload' }];
}

/** `shop.cart` for `/usr/lib/python3/dist-packages/shop/cart.py`. Outside the known directories: the file name. */
function moduleName(source: PayloadPath): string {
  const top = searchDirectoryOf(source);
  const below = top === undefined ? nameOf(source) : source.slice(top.length + 1);
  return below.replace(/(?:\/__init__)?\.py$/, '').replaceAll('/', '.');
}
