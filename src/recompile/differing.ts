import type { AuditFinding } from '../audit/finding.ts';
import { codeDifference } from '../inspect/code-difference.ts';
import type { PayloadEntry, Search } from '../payload/entry.ts';
import { contentAt, searchForFiles, type TemporaryDirectory } from '../payload/extract.ts';
import { shortened } from '../text.ts';

/** A pyc whose code differs from what its source compiles to. */
export interface Differing {
  readonly entry: PayloadEntry;
  /** The path of the recompiled code. */
  readonly compiled: string;
  /** `python3.11 (3.11.2)` */
  readonly compiler: string;
}

/** Explains how pycs differ from their recompiled sources. Reads their bytes again. */
export async function explained(
  differing: readonly Differing[],
  directory: TemporaryDirectory,
  searchTargets: (search: Search) => Promise<unknown>,
): Promise<AuditFinding[]> {
  if (differing.length === 0) return [];
  const files = new Set(differing.map(({ entry }) => entry.file));
  const { search, paths } = searchForFiles(files, /\.py[co]$/, directory);
  await searchTargets(search);
  return differing.map(({ entry, compiled, compiler }): AuditFinding => {
    const [own, given] = [contentAt(paths.get(entry.file)), contentAt(compiled)];
    const difference = own && given && codeDifference(own, given);
    if (difference === undefined) return differs(entry, `its code is not what ${compiler} compiles its source to`);
    const { place, what, first, second, isOfInstructions } = difference;
    if (isOfInstructions) {
      return { ...differs(entry, `compiled differently by ${compiler}: ${place}`), kind: 'other-compiler' };
    }
    const where = what === 'value' ? place : `${place}: ${what}`;
    return differs(entry, `${where} is ${shortened(first)}, the source gives ${shortened(second)} with ${compiler}`);
  });
}

/** The finding for a pyc whose code differs from what its source compiles to. */
export function differs({ path, container }: PayloadEntry, detail: string): AuditFinding {
  return { kind: 'differs', path, container, detail };
}
