import { futimesSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, systemError } from '../errors.ts';
import { withDirectory } from '../files/directory.ts';
import { replaceByLink } from '../files/hard-link.ts';
import { ifPossible } from '../files/if-possible.ts';
import { nameOf, parentOf, type StagedPath } from '../files/path.ts';
import { readContent, readRegular, withRegular } from '../files/read-regular.ts';
import { rewriteFile } from '../files/replace.ts';
import { type FileStat, fstat, isSameVersion, lstatIfAny, secondsOf, wholeSeconds } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { Names, Scope } from './scope.ts';
import type { SourceFile } from './source.ts';

/** What happens to the mtimes of sources before they are compiled. `epochSeconds` is SOURCE_DATE_EPOCH or --mtime. */
export type MtimePolicy =
  | { readonly policy: 'keep' }
  | { readonly policy: 'clamp' | 'set'; readonly epochSeconds: number };

/** Whether the policy changes this mtime. */
type IsChanged = (mtimeSeconds: number) => boolean;

/**
 * Sets the mtime of sources to the value they will have in the package, so that their pycs stay valid. A file with a
 * hard link outside the PATHs becomes a separate file first; its names in the PATHs remain one file.
 * @returns the sources as they are now; those of them that are symlinks to a file outside the PATHs, whose mtime is not
 *   changed; and those whose mtime cannot be set, with the system's error
 */
export function applyMtimePolicy<S extends SourceFile>(scope: Scope, sources: readonly S[], policy: MtimePolicy) {
  const dated: S[] = [];
  const outside: S[] = [];
  const refused: { source: S; error: unknown }[] = [];
  if (policy.policy === 'keep') return { sources, outside, refused };
  const { epochSeconds } = policy;
  const isChanged = mtimeTest(policy);
  const outcomes = new Map<StagedPath, Outcome>();
  for (const source of sources) {
    const { content, mtimeSeconds } = source;
    const outcome = isChanged(mtimeSeconds)
      ? getOrAdd(outcomes, content, () => setMtime(scope, content, isChanged, epochSeconds))
      : { mtimeSeconds };
    if ('error' in outcome) {
      refused.push({ source, error: outcome.error });
      continue;
    }
    if ('isOutside' in outcome) outside.push(source);
    const isNew = 'mtimeSeconds' in outcome && outcome.mtimeSeconds !== mtimeSeconds;
    dated.push(isNew ? { ...source, ...outcome } : source);
  }
  return { sources: dated, outside, refused };
}

/** Returns a function that says which mtimes the policy changes. */
export function mtimeTest({ policy, epochSeconds }: Exclude<MtimePolicy, { policy: 'keep' }>): IsChanged {
  return policy === 'set' ? (mtime) => mtime !== epochSeconds : (mtime) => mtime > epochSeconds;
}

/** The mtime that a file has now, or the reason why it could not be set. */
type Outcome = { readonly mtimeSeconds: number } | { readonly isOutside: true } | { readonly error: unknown };

/** Sets the mtime of a file if it is in the PATHs. */
function setMtime(scope: Scope, path: StagedPath, isChanged: IsChanged, epochSeconds: number): Outcome {
  try {
    if (!scope.includes(path)) return { isOutside: true };
    const mtimeSeconds = withDirectory(parentOf(path), (held) =>
      withRegular(join(held, nameOf(path)), (descriptor, stat) => {
        const current = wholeSeconds(stat.modifiedNs);
        // The file may have been changed under another name already.
        if (!isChanged(current)) return current;
        const names: Names = stat.links === 1 ? [path] : scope.namesOf(path, stat.identity);
        const set = () => {
          if (stat.links !== names.length) {
            return separate(names, stat, readContent(descriptor, stat.sizeBytes), epochSeconds);
          }
          futimesSync(descriptor, secondsOf(stat.accessedNs), epochSeconds);
          return fstat(descriptor);
        };
        const stored = wholeSeconds(set().modifiedNs);
        if (stored === Math.trunc(epochSeconds)) return stored;
        throw systemError('ERANGE', `the file system stored ${stored} instead of ${epochSeconds}`);
      }),
    );
    return mtimeSeconds === undefined
      ? { error: systemError('ENOENT', 'no such file or directory') }
      : { mtimeSeconds };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { error };
  }
}

/** Turns these names into a separate file with a different mtime. @returns the new file @throws the system's error */
function separate([first, ...others]: Names, stat: FileStat, content: Buffer, epochSeconds: number): FileStat {
  const attributes = { mode: stat.mode, accessedSeconds: secondsOf(stat.accessedNs), modifiedSeconds: epochSeconds };
  const isStill = (name: string) => isSameVersion(lstatIfAny(name), stat);
  const separated = rewriteFile(first, content, attributes, isStill);
  if (separated === undefined) throw systemError('ESTALE', 'the file changed while it was read');
  // Inode numbers alone do not prove that two names are one file: some file systems give several files the same number.
  const isSame = (name: string) => isStill(name) && readRegular(name)?.content.equals(content) === true;
  for (const other of others) ifPossible(() => replaceByLink(other, first, (_, old) => isSame(old)));
  return separated;
}
