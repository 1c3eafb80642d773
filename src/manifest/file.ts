import { accessSync, constants, existsSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Buildroot, isInside, toStaged } from '../buildroot/path.ts';
import { isRunningSystem } from '../buildroot/running-system.ts';
import { errnoOf, PyclinkError } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import { contains, type PayloadPath } from '../files/path.ts';
import { replaceContent } from '../files/replace.ts';
import { fstat, isGone, lstatIfAny, stat, statIfAny } from '../files/stat.ts';
import type { Manifest } from './schema.ts';

/**
 * Checks that an output file can be written, so that a run fails before it has done any work.
 * @param buildroot the file must not be in it, because rpm would report an unpackaged file
 * @returns its path with symlinks resolved: the target of a symlink is written, and the symlink stays
 * @throws PyclinkError `usage`
 */
export function outputPath(buildroot: Buildroot | undefined, file: string): string {
  const unusable = (reason: string, hint?: string) => new PyclinkError('usage', reason, { path: file, hint });
  let path: string;
  try {
    const there = statIfAny(file || '.');
    if ((there?.kind ?? 'file') !== 'file') throw unusable('is not a regular file');
    // The file would be replaced, and later output would go to the old one.
    const isPrinted = [1, 2].some((printed) => ifPossible(() => fstat(printed))?.identity === there?.identity);
    if (there !== undefined && isPrinted) throw unusable('is the file that standard output or the log goes to');
    path = withoutSymlinks(file);
    if (stat(dirname(path)).kind !== 'directory') throw unusable('its directory is a file');
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    if (error instanceof PyclinkError) throw error;
    throw unusable(`its directory cannot be used (${errnoOf(error)})`);
  }
  if (buildroot !== undefined && contains(buildroot.path, dirname(path)) && !isRunningSystem(buildroot)) {
    throw unusable(
      'is inside the buildroot and would be packaged',
      'write it outside, for example below RPM_BUILD_DIR',
    );
  }
  return path;
}

/** Resolves the path of a file that may not exist, as the kernel does. @throws the system's error */
function withoutSymlinks(file: string): string {
  if (statIfAny(file) !== undefined) return realpathSync.native(file);
  const path = join(realpathSync.native(dirname(file)), basename(file));
  const target = lstatIfAny(path)?.kind === 'symlink' ? readlinkSync(path) : undefined;
  if (target === undefined) return path;
  return withoutSymlinks(target.startsWith('/') ? target : `${dirname(path)}/${target}`);
}

/**
 * Refuses a file that is named as an output twice, or as an output and an input: one content would replace the other.
 * @param outputs each with its option and the path from `outputPath`
 * @param inputs files that the command reads
 * @throws PyclinkError `usage`
 */
export function refuseSameFile(
  outputs: readonly (readonly [option: string, path: string])[],
  inputs: readonly string[] = [],
): void {
  const taken = new Map(inputs.map((file) => [existsSync(file) ? realpathSync.native(file) : file, file]));
  for (const [option, path] of outputs) {
    const other = taken.get(path);
    if (other !== undefined) throw new PyclinkError('usage', `${option} is the same file as ${other}`, { path });
    taken.set(path, option);
  }
}

/** Replaces a file in one step. Keeps its owner and mode. @throws PyclinkError `file-failed` */
export function writeWhole(path: string, pieces: Iterable<string>): void {
  try {
    replaceContent(path, inPortions(pieces));
  } catch (error) {
    throw new PyclinkError('file-failed', `cannot be written (${errnoOf(error)})`, { path, cause: error });
  }
}

const portionChars = 50_000;

/** Joins pieces of text, so that there are fewer writes. */
function* inPortions(pieces: Iterable<string>): Generator<string> {
  let portion = '';
  for (const piece of pieces) {
    portion += piece;
    if (portion.length < portionChars) continue;
    yield portion;
    portion = '';
  }
  yield portion;
}

/** The text of a manifest file in pieces, because it may be long. */
export function* manifestPieces(manifest: Manifest): Generator<string> {
  let before = '{';
  for (const [name, value] of Object.entries(manifest)) {
    yield `${before}\n ${JSON.stringify(name)}: `;
    before = ',';
    if (Array.isArray(value) && value.length > 0) yield* itemPieces(value);
    else yield indented(value, 1);
  }
  yield '\n}\n';
}

/** How many items are encoded at a time: one at a time would be slower, and all at once would need much memory. */
const itemsAtATime = 64;

function* itemPieces(items: readonly unknown[]): Generator<string> {
  let before = '[';
  for (let i = 0; i < items.length; i += itemsAtATime) {
    const withBrackets = indented(items.slice(i, i + itemsAtATime), 1);
    yield before + withBrackets.slice('['.length, -'\n ]'.length);
    before = ',';
  }
  yield '\n ]';
}

function indented(value: unknown, depth: number): string {
  return JSON.stringify(value, null, 1).replaceAll('\n', `\n${' '.repeat(depth)}`);
}

/** Returns a function that says whether a payload path is no longer in the buildroot; false for paths outside it. */
export function goneFrom(buildroot: Buildroot): (path: PayloadPath) => boolean {
  return (path) => isInside(buildroot, path) && isGone(toStaged(buildroot, path));
}
