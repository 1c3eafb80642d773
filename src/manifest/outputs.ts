import { dirname } from 'node:path';
import { globMatcher } from '../buildroot/exclude.ts';
import type { Buildroot } from '../buildroot/path.ts';
import { removeLeftovers } from '../files/leftovers.ts';
import { lstatIfAny } from '../files/stat.ts';
import { completeManifest, mergeContent, recordsOf } from './encode.ts';
import { goneFrom, manifestPieces, outputPath, refuseSameFile, writeWhole } from './file.ts';
import { encodeFilelist } from './filelist.ts';
import type { Manifest } from './schema.ts';

/** The files that the run will write, checked before any work is done. */
export interface Outputs {
  readonly manifest?: string | undefined;
  /** The manifest of earlier runs. */
  readonly earlier: Manifest | undefined;
  readonly filelists: readonly { readonly file: string; readonly takes: (source: string) => boolean }[];
  /** A page for people. */
  readonly html: string | undefined;
}

/** What a run is asked to write. */
interface OutputOptions {
  readonly manifest?: string | undefined;
  /** The manifest keeps what earlier runs wrote. */
  readonly append: boolean;
  readonly filelist?: string | undefined;
  readonly filelistFor: readonly { readonly glob: string; readonly file: string }[];
  readonly html?: string | undefined;
}

/**
 * Checks the output files before any work is done.
 * @throws PyclinkError for a file that cannot be written there, or an earlier manifest that cannot be read
 */
export async function openOutputs(buildroot: Buildroot, options: OutputOptions): Promise<Outputs> {
  const manifest = options.manifest && outputPath(buildroot, options.manifest);
  const html = options.html && outputPath(buildroot, options.html);
  const whole = options.filelist === undefined ? [] : [{ glob: '/**', file: options.filelist }];
  const filelists = [...whole, ...options.filelistFor].map(({ glob, file }) => ({
    glob,
    file: outputPath(buildroot, file),
    takes: globMatcher([glob]),
  }));
  refuseSameFile([
    ...(manifest ? [['--manifest', manifest] as const] : []),
    ...filelists.map(
      ({ glob, file }, i) => [i < whole.length ? '--filelist' : `--filelist-for ${glob}`, file] as const,
    ),
    ...(html ? [['--html', html] as const] : []),
  ]);
  const earlier = options.append && manifest ? await earlierManifest(manifest) : undefined;
  return { manifest, earlier, filelists, html };
}

/** Reads a manifest that may not be there yet. Only then its schema is loaded. @throws PyclinkError */
async function earlierManifest(path: string): Promise<Manifest | undefined> {
  return lstatIfAny(path) === undefined ? undefined : (await import('./read.ts')).readManifest(path);
}

/**
 * Writes the manifest and the file lists.
 * @returns the whole manifest, with that of earlier runs in it
 * @param examined the paths that this run looked at: entries of earlier runs about them are outdated
 * @throws PyclinkError
 */
export function writeOutputs(
  buildroot: Buildroot,
  outputs: Outputs,
  manifest: Manifest,
  examined: () => ReadonlySet<string>,
): Manifest {
  const { earlier, filelists } = outputs;
  const withEarlier = (from: Manifest) => {
    const current = { ...manifest, records: recordsOf(manifest) };
    return completeManifest(manifest.pyclink, mergeContent(from, current, examined(), goneFrom(buildroot)));
  };
  const whole = earlier === undefined ? manifest : withEarlier(earlier);
  const files = [outputs.manifest ?? [], filelists.map(({ file }) => file)].flat();
  for (const directory of new Set(files.map((file) => dirname(file)))) removeLeftovers(directory);
  if (outputs.manifest !== undefined) writeWhole(outputs.manifest, manifestPieces(whole));
  for (const { file, takes } of filelists) {
    writeWhole(file, [encodeFilelist(recordsOf(whole).filter(({ source }) => takes(source)))]);
  }
  return whole;
}
