import { readlinkSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { askHelper } from './attribute-helper.ts';
import { withDirectory } from './directory.ts';
import { nameOf, parentOf } from './path.ts';

/** The ACL and the extended attributes of a file as text, empty if it has none; or why they cannot be read. */
export type FileAttributes = string | { readonly unknown: string };

/** The ACL and extended attributes of files, in their order. A file that is gone has none. */
export function attributesOf(paths: readonly string[]): FileAttributes[] {
  const [first] = paths;
  if (first === undefined) return [];
  try {
    return withDirectory(parentOf(first), (held) => {
      const isIn = (path: string) => parentOf(path) === parentOf(first);
      return read(paths.map((path) => (isIn(path) ? seen(`${held}/${nameOf(path)}`) : path)));
    });
  } catch (error) {
    const unknown = errnoOf(error);
    if (unknown === undefined) throw error;
    return paths.map(() => ({ unknown }));
  }
}

function read(paths: readonly string[]): FileAttributes[] {
  const asked = askHelper({ read: paths });
  if ('lack' in asked) return paths.map(() => ({ unknown: asked.lack }));
  return (asked.answer as (string | { failed: string })[]).map((one) => {
    if (typeof one === 'string') return one;
    return one.failed === 'ENOENT' ? '' : { unknown: one.failed };
  });
}

/**
 * Gives a file the ACL and the extended attributes of another, and no others.
 * @throws an error like the system's; its code may be a reason in words, if it cannot be found out what these are
 */
export function copyAttributes(from: string, to: string): void {
  const asked = askHelper({ copy: [seen(from), seen(to)] });
  const code = 'lack' in asked ? asked.lack : (asked.answer as { failed: string } | null)?.failed;
  if (code === undefined) return;
  throw Object.assign(new Error(`${code}: its ACL and extended attributes cannot be kept`), {
    code: `${code} for its ACL and extended attributes`,
  });
}

/** A path as another process sees it. */
function seen(path: string): string {
  return path.startsWith('/proc/self/') ? path.replace('self', readlinkSync('/proc/self')) : path;
}
