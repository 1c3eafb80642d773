import { openBuildroot } from '../buildroot/open.ts';
import { type Buildroot, toPayload } from '../buildroot/path.ts';
import { expandPatterns } from '../buildroot/path-patterns.ts';
import { errnoOf, statusOf } from '../errors.ts';
import { readAhead } from '../files/attributes.ts';
import { findPycs, type PycDirectory } from '../links/find.ts';
import { type LinkMode, linkDirectory } from '../links/link-directory.ts';
import type { Log } from '../log.ts';
import { completeManifest, mergeContent } from '../manifest/encode.ts';
import { goneFrom } from '../manifest/file.ts';
import { contentOfFiles, type SurveyedPycs, surveyPycs } from '../manifest/of-files.ts';
import { type Outputs, openOutputs, writeOutputs } from '../manifest/outputs.ts';
import type { Manifest } from '../manifest/schema.ts';
import { unknownMagicNumber } from '../marshal/normalize-pyc.ts';
import { isProblem, type Skipped, skipReasons } from '../skipped.ts';
import { counted, sizeText } from '../text.ts';
import { inTurns, pieces } from '../turns.ts';
import { version } from '../version.ts';
import type { CommandResult, TreeOptions } from './result.ts';

export interface LinkOptions extends LinkMode, TreeOptions {
  /** Staged or payload paths; if empty, the whole buildroot. */
  readonly paths: readonly string[];
  /** The manifest for the pycs. */
  readonly manifest?: string | undefined;
  /** Add to the manifest of earlier runs. */
  readonly append?: boolean;
}

interface LinkReport {
  readonly dryRun: boolean;
  readonly buildroot: string;
  readonly pycs: number;
  /** The number of pycs that were readable by more users than their sources. */
  readonly narrowed: number;
  /** The number of pycs that were normalized or, in a dry run, would be. */
  readonly normalized: number;
  /** The number of links made or, in a dry run, to make. */
  readonly links: number;
  readonly savedBytes: number;
  /** The manifest that was written. */
  readonly manifest?: string | undefined;
}

/** `pyclink link`: links pycs that others compiled. @throws PyclinkError */
export async function linkCommand(options: LinkOptions, log: Log): Promise<CommandResult<LinkReport>> {
  const { dryRun } = options;
  const buildroot = openBuildroot(options.buildroot, options.prepend);
  const outputs = await openOutputs(buildroot, { append: false, filelistFor: [], ...options });
  const paths = await expandPatterns(buildroot, options.paths);
  const { directories, pycs, unreadable, notUtf8 } = findPycs(buildroot, paths);
  let [narrowed, normalized, links, savedBytes] = [0, 0, 0, 0];
  const problems: string[] = [];
  const complain = (path: string, message: string) => {
    problems.push(message);
    log.error({ path }, message);
  };
  const skipped: Skipped[] = [];
  const unknownCounts = new Map<number, number>();
  const read = readAhead(directories.flatMap(({ sets }) => sets.flat()));
  for await (const directory of inTurns(directories.flatMap(partsOf))) {
    const done = linkDirectory(directory, options, read);
    narrowed += done.narrowed;
    normalized += done.normalized;
    links += done.links;
    savedBytes += done.savedBytes;
    for (const left of done.left) {
      const path = toPayload(buildroot, left.path);
      const what = [skipReasons[left.reason], left.message].filter(Boolean).join(': ');
      if (isProblem(left.reason)) complain(path, what);
      else log.warn({ path }, what);
      skipped.push({ ...left, path });
    }
    for (const { path, error } of done.failed) {
      complain(toPayload(buildroot, path), `not linked: the system refused (${errnoOf(error)})`);
    }
    for (const magicNumber of done.unknown) unknownCounts.set(magicNumber, (unknownCounts.get(magicNumber) ?? 0) + 1);
  }
  if (narrowed > 0) {
    const what = dryRun ? 'their modes would be narrowed' : 'modes narrowed';
    log.warn(`${counted(narrowed, 'pyc')} readable by more users than their sources: ${what}`);
  }
  for (const [magicNumber, count] of unknownCounts) {
    log.warn(`${counted(count, 'pyc')}: ${unknownMagicNumber(magicNumber)}, so they are not normalized`);
  }
  for (const path of notUtf8) log.warn({ path }, `not linked: ${skipReasons['name-not-utf8']}`);
  for (const { directory, error } of unreadable) {
    complain(directory, `${skipReasons['unreadable-directory']} (${errnoOf(error)})`);
  }
  if (outputs.manifest !== undefined && !dryRun) {
    const surveyed = await surveyPycs(
      buildroot,
      directories.flatMap(({ sets }) => sets),
    );
    if (surveyed.unreadable > 0) problems.push('');
    await record(buildroot, outputs, surveyed, skipped, options, log);
  }
  const verb = dryRun ? 'to make' : 'made';
  const inNormalForm = options.normalize ? `, ${normalized} ${dryRun ? 'to normalize' : 'normalized'}` : '';
  return {
    status: statusOf(problems),
    text: `pyclink: ${counted(pycs, 'pyc')}${inNormalForm}, ${counted(links, 'link')} ${verb}, ${sizeText(savedBytes)} saved\n`,
    data: {
      dryRun,
      buildroot: buildroot.path,
      pycs,
      narrowed,
      normalized,
      links,
      savedBytes,
      manifest: dryRun ? undefined : outputs.manifest,
    },
  };
}

/** Splits a directory into parts, because it may have any number of pycs. */
function partsOf(directory: PycDirectory): PycDirectory[] {
  const [first = [], ...others] = pieces(directory.sets, 20);
  return [{ ...directory, sets: first }, ...others.map((sets) => ({ ...directory, sets, hasLeftovers: false }))];
}

/** Writes the manifest. @throws PyclinkError */
async function record(
  buildroot: Buildroot,
  outputs: Outputs,
  surveyed: SurveyedPycs,
  skipped: readonly Skipped[],
  { normalize }: LinkMode,
  log: Log,
): Promise<void> {
  for (const [reason, paths] of surveyed.unrecorded) {
    log.warn({ lines: paths }, `${counted(paths.length, 'pyc')} not in the manifest: ${reason}`);
  }
  // It is unknown whether the other pycs are normalized.
  const isOutdated = ({ path, reason }: { path: string; reason: string }, written: ReadonlySet<string>) =>
    written.has(path) && (normalize || reason !== 'not-normalized');
  const wholeOf = (earlier: Manifest | undefined) => {
    const content = contentOfFiles(surveyed, skipped, earlier);
    return completeManifest(
      version,
      earlier === undefined ? content : mergeContent(earlier, content, isOutdated, goneFrom(buildroot)),
    );
  };
  await writeOutputs(outputs, wholeOf, (message) => log.warn(message));
}
