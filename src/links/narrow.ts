import { fchmodSync } from 'node:fs';
import { join } from 'node:path';
import { systemError } from '../errors.ts';
import { withDirectory } from '../files/directory.ts';
import { nameOf, parentOf, type StagedPath } from '../files/path.ts';
import { readContent, withRegular } from '../files/read-regular.ts';
import { rewriteFile } from '../files/replace.ts';
import { type FileIdentity, isSameVersion, lstatIfAny, secondsOf } from '../files/stat.ts';
import { groupBy } from '../get-or-add.ts';
import { parsePycPath } from '../pyc/name.ts';

/**
 * Removes mode bits that let more users read pycs than their source, if the source is a regular file. A pyc with
 * another hard link elsewhere becomes a separate file.
 * @param pycs of one source and directory
 * @param forbidden the result of `forbiddenBits`
 * @returns the number of such pycs, also in a dry run
 * @throws the system's error
 */
export function narrowModes(pycs: readonly StagedPath[], dryRun: boolean, forbidden = forbiddenBits(pycs)): number {
  if (forbidden === 0) return 0;
  const names = groupBy(pycs, (path) => {
    const stat = lstatIfAny(path);
    return stat?.kind === 'file' && (stat.mode & forbidden) !== 0 ? stat.identity : undefined;
  });
  if (!dryRun) for (const [identity, paths] of names) narrow(paths, identity, forbidden);
  return [...names.values()].flat().length;
}

/** The mode bits that the pycs of one source and directory must not have. @throws the system's error */
export function forbiddenBits([first]: readonly StagedPath[]): number {
  const source = first && parsePycPath(first)?.source;
  const { kind, mode = 0 } = (source && lstatIfAny(source)) ?? {};
  return kind === 'file' ? 0o044 & ~mode : 0;
}

/** @param paths the names of a file */
function narrow(paths: readonly StagedPath[], identity: FileIdentity, forbidden: number): void {
  for (const [done, path] of paths.entries()) {
    withDirectory(parentOf(path), (held) =>
      withRegular(join(held, nameOf(path)), (descriptor, stat) => {
        const mode = stat.mode & ~forbidden;
        if (stat.identity !== identity || mode === stat.mode) return;
        if (stat.links === paths.length - done) return fchmodSync(descriptor, mode);
        const { accessedNs, modifiedNs } = stat;
        const times = { accessedSeconds: secondsOf(accessedNs), modifiedSeconds: secondsOf(modifiedNs) };
        const content = readContent(descriptor, stat.sizeBytes);
        const isStill = (name: string) => isSameVersion(lstatIfAny(name), stat);
        if (rewriteFile(path, content, { ...times, mode }, isStill) === undefined) {
          throw systemError('ESTALE', 'the file changed while it was read');
        }
      }),
    );
  }
}
