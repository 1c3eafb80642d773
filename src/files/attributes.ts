import { readlinkSync } from 'node:fs';
import { systemError } from '../errors.ts';
import { askHelper } from './attribute-helper.ts';

/**
 * The ACL and the extended attributes of a file as text, empty if it has none, or the reason why they cannot be read.
 * Under fakeroot(1) the first line is the owner and mode that programs see there.
 */
export type FileAttributes = string | { readonly unknown: string };

/** Reads the ACL and the extended attributes of files. The result has the order of `paths`. A missing file has none. */
export function attributesOf(paths: readonly string[]): FileAttributes[] {
  const asked = askHelper({ paths });
  if ('lack' in asked) return paths.map(() => ({ unknown: asked.lack }));
  return (asked.answer as (string | { failed: string })[]).map((one) => {
    if (typeof one === 'string') return one;
    return one.failed === 'ENOENT' ? '' : { unknown: one.failed };
  });
}

/**
 * Copies owner, ACL, extended attributes and mode from one file to another. Removes attributes that only the second
 * file has.
 * @param to may be the /proc path of an open file
 * @param bits the mode bits to copy
 * @throws an error like the system's. Its code may be a reason in words if the attributes cannot be read
 */
export function copyAttributes(from: string, to: string, bits = 0o7777): void {
  const asked = askHelper({ paths: [seen(from), seen(to)], bits });
  const refusal = 'lack' in asked ? { failed: asked.lack } : (asked.answer as Refusal | null);
  if (refusal === null) return;
  const { failed: code, is_owner: isOwner } = refusal;
  if (isOwner) throw systemError(code, 'its owner cannot be preserved');
  throw Object.assign(new Error(`${code}: its ACL and extended attributes cannot be preserved`), {
    code: `${code} for its ACL and extended attributes`,
  });
}

/**
 * Reads the attributes of these files in batches, because one question takes as long as reading thirty files. The
 * returned function expects paths roughly in the order of `paths`.
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

/** The helper's answer if the system refused to copy. */
interface Refusal {
  readonly failed: string;
  /** The system refused to set the owner, not the attributes. */
  readonly is_owner?: true;
}

/** The path that another process has to use. */
function seen(path: string): string {
  return path.startsWith('/proc/self/') ? path.replace('self', readlinkSync('/proc/self')) : path;
}
