import { readlinkSync } from 'node:fs';
import { systemError } from '../errors.ts';
import { askHelper } from './attribute-helper.ts';

/**
 * The ACL and the extended attributes of a file as text, empty if it has none; or why they cannot be read. Under
 * fakeroot(1) the first line is owner and mode as programs see them there.
 */
export type FileAttributes = string | { readonly unknown: string };

/** The ACL and extended attributes of files, in their order. A file that is gone has none. */
export function attributesOf(paths: readonly string[]): FileAttributes[] {
  const asked = askHelper({ paths });
  if ('lack' in asked) return paths.map(() => ({ unknown: asked.lack }));
  return (asked.answer as (string | { failed: string })[]).map((one) => {
    if (typeof one === 'string') return one;
    return one.failed === 'ENOENT' ? '' : { unknown: one.failed };
  });
}

/**
 * Copies owner, ACL, extended attributes and mode from one file to another. Attributes that only the second has are removed.
 * @param to may be the path of an open file in /proc
 * @param bits the mode bits that may be copied
 * @throws an error like the system's; its code may be a reason in words, if it cannot be found out what these are
 */
export function copyAttributes(from: string, to: string, bits = 0o7777): void {
  const asked = askHelper({ paths: [seen(from), seen(to)], bits });
  const refusal = 'lack' in asked ? { failed: asked.lack } : (asked.answer as Refusal | null);
  if (refusal === null) return;
  const { failed: code, is_owner: isOwner } = refusal;
  if (isOwner) throw systemError(code, 'its owner cannot be kept');
  throw Object.assign(new Error(`${code}: its ACL and extended attributes cannot be kept`), {
    code: `${code} for its ACL and extended attributes`,
  });
}

/**
 * Reads attributes of some of these files, asked for in this order, and of those that follow: one question takes as long as
 * thirty files.
 */
export function readAhead<P extends string>(paths: readonly P[]): (asked: readonly P[]) => FileAttributes[] {
  let known: ReadonlyMap<P, FileAttributes> = new Map();
  let places: ReadonlyMap<P, number> | undefined;
  return (asked) => {
    const areKnown = () => asked.every((path) => known.has(path));
    if (!areKnown()) {
      places ??= new Map(paths.map((path, i) => [path, i]));
      const start = Math.min(...asked.map((path) => places?.get(path) ?? 0));
      const portion = paths.slice(start, start + 1000);
      const attributes = attributesOf(portion);
      known = new Map(portion.map((path, i) => [path, attributes[i] as FileAttributes]));
    }
    return areKnown() ? asked.map((path) => known.get(path) as FileAttributes) : attributesOf(asked);
  };
}

/** The answer of the helper if the system refused to copy attributes. */
interface Refusal {
  readonly failed: string;
  /** It refused the owner, not the attributes. */
  readonly is_owner?: true;
}

/** A path as another process sees it. */
function seen(path: string): string {
  return path.startsWith('/proc/self/') ? path.replace('self', readlinkSync('/proc/self')) : path;
}
