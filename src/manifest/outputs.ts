import { dirname } from 'node:path';
import { globMatcher } from '../buildroot/exclude.ts';
import type { Buildroot } from '../buildroot/path.ts';
import { removeLeftovers } from '../files/leftovers.ts';
import { lstatIfAny } from '../files/stat.ts';
import { counted } from '../text.ts';
import { recordsOf } from './encode.ts';
import { manifestPieces, outputPath, refuseSameFile, writeWhole } from './file.ts';
import { encodeFilelist } from './filelist.ts';
import type { Manifest } from './schema.ts';

/** The outputs that the user asks for. */
interface OutputOptions {
  readonly manifest?: string | undefined;
  /** Add to the manifest of earlier runs. */
  readonly append: boolean;
  /** The run removes sources: no later run makes their pycs again. */
  readonly removeSources?: boolean | undefined;
  readonly filelist?: string | undefined;
  readonly filelistFor: readonly { readonly glob: string; readonly file: string }[];
  /** The HTML page. */
  readonly html?: string | undefined;
}

/** The files that the run will write, checked before it starts. */
export interface Outputs extends Omit<OutputOptions, 'filelist' | 'filelistFor'> {
  readonly filelists: readonly (OutputOptions['filelistFor'][number] & { takes(source: string): boolean })[];
}

/**
 * Checks the output files before the work starts.
 * @throws PyclinkError for a file that cannot be written, or an earlier manifest that cannot be read
 */
export async function openOutputs(buildroot: Buildroot, options: OutputOptions): Promise<Outputs> {
  const manifest = options.manifest && outputPath(buildroot, options.manifest);
  const html = options.html && outputPath(buildroot, options.html);
  const whole = options.filelist === undefined ? [] : [{ glob: '/**', file: options.filelist }];
  const filelists = await Promise.all(
    [...whole, ...options.filelistFor].map(async ({ glob, file }) => ({
      glob,
      file: outputPath(buildroot, file),
      takes: await globMatcher([glob]),
    })),
  );
  refuseSameFile([
    ...(manifest ? [['--manifest', manifest] as const] : []),
    ...filelists.map(
      ({ glob, file }, i) => [i < whole.length ? '--filelist' : `--filelist-for ${glob}`, file] as const,
    ),
    ...(html ? [['--html', html] as const] : []),
  ]);
  if (options.append && manifest) await earlierManifest(manifest);
  return { manifest, append: options.append, removeSources: options.removeSources, filelists, html };
}

/** Reads a manifest that may not exist. Loads the schema only if it does. @throws PyclinkError */
async function earlierManifest(path: string): Promise<Manifest | undefined> {
  return lstatIfAny(path) === undefined ? undefined : (await import('./read.ts')).readManifest(path);
}

/**
 * Writes the manifest and the file lists. With `--append`, holds a lock against other runs.
 * @param wholeOf returns the whole manifest, merged with that of earlier runs
 * @param warn called for what the reader of the log should know at once
 * @param writePage writes the HTML page
 * @returns a warning for each path that a list lacks
 * @throws PyclinkError
 */
export async function writeOutputs(
  { manifest, append, removeSources, filelists, html }: Outputs,
  wholeOf: (earlier: Manifest | undefined) => Manifest,
  warn: (message: string) => void,
  writePage: (file: string, whole: Manifest) => Promise<void> | void = () => undefined,
): Promise<string[]> {
  const write = async (earlier: Manifest | undefined) => {
    const whole = wholeOf(earlier);
    if (manifest !== undefined && earlier !== undefined) warnIfNothingIsLeft(manifest, earlier, whole, warn);
    const files = [manifest ?? [], filelists.map(({ file }) => file)].flat();
    for (const directory of new Set(files.map((file) => dirname(file)))) removeLeftovers(directory);
    if (manifest !== undefined) writeWhole(manifest, manifestPieces(whole));
    const records = recordsOf(whole);
    const lacking = filelists.flatMap(({ glob, file, takes }) => {
      const own = records.filter(({ source }) => takes(source));
      if (own.length === 0 && records.length > 0) warn(`${file}: empty: no compiled source matches ${glob}`);
      const { text, unlisted } = encodeFilelist(own);
      writeWhole(file, [text]);
      return unlisted.map(
        (path) => `${path}: not in ${file}: no rpm pattern matches only this name; list it in the spec`,
      );
    });
    if (html !== undefined) await writePage(html, whole);
    return lacking;
  };
  if (manifest === undefined || !append) {
    if (manifest !== undefined && removeSources) await warnIfPycsAreLeftOut(manifest, wholeOf, warn);
    return write(undefined);
  }
  const { withLock } = await import('./lock.ts');
  return withLock(manifest, warn, async () => write(await earlierManifest(manifest)));
}

/** Earlier runs may have removed sources. The manifest loses their pycs, and nothing makes them again. */
async function warnIfPycsAreLeftOut(
  file: string,
  wholeOf: (earlier: Manifest | undefined) => Manifest,
  warn: (message: string) => void,
): Promise<void> {
  const earlier = await earlierManifest(file).catch(() => undefined);
  const count = earlier === undefined ? 0 : wholeOf(earlier).totals.pycs - wholeOf(undefined).totals.pycs;
  if (count === 0) return;
  warn(
    `${file}: ${counted(count, 'pyc')} of earlier runs no longer listed, although the buildroot has them: use --append`,
  );
}

/** The earlier runs may have been for another tree. */
function warnIfNothingIsLeft(file: string, earlier: Manifest, whole: Manifest, warn: (message: string) => void): void {
  const sources = new Set(recordsOf(whole).map(({ source }) => source));
  const dropped = recordsOf(earlier);
  if (dropped.length === 0 || dropped.some(({ source }) => sources.has(source))) return;
  warn(`${file}: ${counted(earlier.totals.pycs, 'pyc')} of earlier runs dropped: none of them is in this buildroot`);
}
