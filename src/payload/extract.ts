import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, PyclinkError } from '../errors.ts';
import { readRegular } from '../files/read-regular.ts';
import type { Content, Search } from './entry.ts';

/** A private directory for sources from packages and images, and for code to compare. */
export class TemporaryDirectory {
  readonly path: string;
  #count = 0;

  /** @throws PyclinkError `file-failed` */
  constructor() {
    this.path = attempt(tmpdir(), () => mkdtempSync(join(tmpdir(), 'pyclink-')));
  }

  /** Writes a new file. @returns its path @throws PyclinkError `file-failed` */
  add(content: Uint8Array): string {
    this.#count += 1;
    const path = join(this.path, `${this.#count}`);
    attempt(path, () => writeFileSync(path, content, { flag: 'wx', mode: 0o600 }));
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const hint = 'TMPDIR names another directory for temporary files';
    throw new PyclinkError('file-failed', `cannot be written (${errnoOf(error)})`, { path, hint, cause: error });
  }
}

/**
 * A search that extracts files into a directory.
 * @param files their identities
 * @returns the search, the paths of the extracted files, and the reasons why others could not be read
 */
export function searchForFiles(files: ReadonlySet<string>, names: RegExp, directory: TemporaryDirectory) {
  const paths = new Map<string, string>();
  const unread = new Map<string, string>();
  const search: Search = {
    names,
    visit: ({ file }) =>
      files.has(file) && !paths.has(file)
        ? (content: Content) => {
            if ('unread' in content) unread.set(file, content.unread);
            else paths.set(file, directory.add(content));
          }
        : undefined,
  };
  return { search, paths, unread };
}

/** What was written to a file, if it was. */
export function contentAt(path: string | undefined): Buffer | undefined {
  return path === undefined ? undefined : readRegular(path)?.content;
}
