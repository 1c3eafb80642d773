import { byCodeUnit, type PayloadPath } from '../files/path.ts';

/**
 * What can be wrong with a path:
 * - `missing`: in the manifest, but not in the payload as a file
 * - `unlinked`: another file than the other names of its link group in the same package
 * - `split`: its link group is spread over packages, which cannot record the link
 * - `metadata-differs`: recorded with another mode or owner than the other names of its link group
 * - `ghosted`: recorded, but not in the payload, unlike other names of its link group
 * - `stale`: does not fit the source in the payload
 * - `source-changed`: the source is not the one that was compiled
 * - `damaged`: not the bytes that were built, or no code that an interpreter can load
 * - `exposed`: readable by more users than its source
 * - `unrecorded`: not in the manifest, and an interpreter loads it
 * - `foreign`, `orphan`: not in the manifest, and no interpreter that this is for will load it
 */
export type FindingKind =
  | 'missing'
  | 'unlinked'
  | 'split'
  | 'metadata-differs'
  | 'ghosted'
  | 'stale'
  | 'source-changed'
  | 'damaged'
  | 'exposed'
  | 'unrecorded'
  | 'foreign'
  | 'orphan';

/** One thing that is wrong with one path. */
export interface Finding {
  readonly kind: FindingKind;
  readonly path: PayloadPath;
  /** The package, image or directory that it is in; undefined if it is in none. */
  readonly container?: string;
  /** What exactly is wrong. */
  readonly detail: string;
}

/** Findings by path, then by kind. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    (a, b) =>
      byCodeUnit(a.path, b.path) ||
      byCodeUnit(a.kind, b.kind) ||
      byCodeUnit(a.container ?? '', b.container ?? '') ||
      byCodeUnit(a.detail, b.detail),
  );
}
