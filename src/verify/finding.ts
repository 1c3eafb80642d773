import { byCodeUnit, type PayloadPath } from '../files/path.ts';

/** The kinds of problems, and what each means. */
export const findingKinds = {
  missing: 'in the manifest, but not in the payload as a file',
  unlinked: 'not the same file as the other names of its link group in the same package',
  split: 'its link group is spread over packages, which cannot record the link',
  'metadata-differs': 'its mode or owner differs from that of the other names of its link group',
  ghosted: 'listed by the package but not stored in it (%ghost), unlike other names of its link group',
  stale: 'does not match the source in the payload',
  'source-changed': 'the source is not the one that was compiled',
  damaged: 'not the bytes that were built, or not code that Python can load',
  exposed: 'readable by more users than its source',
  unreadable: 'readable by fewer users than its source',
  unrecorded: 'not in the manifest, but an interpreter loads it',
  foreign: 'not in the manifest, and the interpreter of its directory does not read it',
  orphan: 'not in the manifest, and without a source',
} as const;

export type FindingKind = keyof typeof findingKinds;

/** A problem with a path. */
export interface Finding {
  readonly kind: FindingKind;
  readonly path: PayloadPath;
  /** The package, image or directory that contains it; undefined if none does. */
  readonly container?: string;
  /** The details of the problem. */
  readonly detail: string;
}

/** Sorts findings of verify or audit by path, then by kind. */
export function inOrder<F extends Omit<Finding, 'kind'> & { readonly kind: string }>(findings: readonly F[]): F[] {
  return findings.toSorted(
    (a, b) =>
      byCodeUnit(a.path, b.path) ||
      byCodeUnit(a.kind, b.kind) ||
      byCodeUnit(a.container ?? '', b.container ?? '') ||
      byCodeUnit(a.detail, b.detail),
  );
}
