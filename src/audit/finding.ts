import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import { byCodeUnit, type PayloadPath, parentOf } from '../files/path.ts';
import type { AuditKind } from './kinds.ts';

/** One thing that is wrong with one file or package. */
export interface AuditFinding {
  readonly kind: AuditKind;
  readonly path: PayloadPath;
  /** The package, image or directory that it is in. */
  readonly container: string;
  /** What was seen, and what was expected. */
  readonly detail: string;
  /** Only of `unlinked`: the bytes that a link would save. */
  readonly savedBytes?: number;
}

/** Findings by path, then by kind. */
export function inOrder(findings: readonly AuditFinding[]): AuditFinding[] {
  return findings.toSorted(
    (a, b) => byCodeUnit(a.path, b.path) || byCodeUnit(a.kind, b.kind) || byCodeUnit(a.container, b.container),
  );
}

/** The directory of the outermost package that a source belongs to: the one below its Python directory. */
export function packageOf(source: PayloadPath): string {
  const directory = parentOf(source);
  const place = pythonDirectoryOf(source)?.directory;
  if (place === undefined) return directory;
  const [, site = '', name = ''] =
    /^((?:\/(?:site|dist)-packages)?)(?:\/([^/]+))?/.exec(directory.slice(place.length)) ?? [];
  return name === '' ? place + site : `${place}${site}/${name}`;
}
