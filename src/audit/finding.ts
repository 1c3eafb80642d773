import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import { type PayloadPath, parentOf } from '../files/path.ts';
import { groupBy } from '../get-or-add.ts';
import { parsePycPath } from '../pyc/name.ts';
import type { AuditKind } from './kinds.ts';

/** A problem with a file or package. */
export interface AuditFinding {
  readonly kind: AuditKind;
  readonly path: PayloadPath;
  /** The package, image or directory that contains it. */
  readonly container: string;
  /** For an image: the layer that contains it. */
  readonly layer?: string;
  /** The actual and the expected state. */
  readonly detail: string;
  /** Only for `unlinked`: the bytes that a link would save. */
  readonly savedBytes?: number;
}

/** The detail with container and layer. A finding in a directory has no container to name. */
export function detailOf({ detail, container, layer }: AuditFinding): string {
  return [detail, ...(container === '' ? [] : [`in ${container}`]), ...(layer === undefined ? [] : [layer])].join(', ');
}

/** Groups findings by the package of their module, the largest groups first. */
export function byPackage<F extends Pick<AuditFinding, 'path'>>(findings: readonly F[]): [name: string, own: F[]][] {
  const packages = groupBy(findings, ({ path }) => packageOf(parsePycPath(path)?.source ?? path));
  return [...packages].sort(([, a], [, b]) => b.length - a.length);
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
