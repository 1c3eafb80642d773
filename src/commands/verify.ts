import { realpathSync } from 'node:fs';
import { globMatcher } from '../buildroot/exclude.ts';
import { exitStatus } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import { contains, type PayloadPath } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';
import { recordsOf } from '../manifest/encode.ts';
import { outputPath, refuseSameFile, writeWhole } from '../manifest/file.ts';
import { readManifest } from '../manifest/read.ts';
import type { Manifest, PycRecord } from '../manifest/schema.ts';
import { pageOfVerify } from '../page/of-manifest.ts';
import { renderPage } from '../page/render.ts';
import { searchForBytecode } from '../payload/bytecode.ts';
import { Payload } from '../payload/payload.ts';
import { type ReadOptions, searchTargets, type TargetContents, together } from '../payload/targets.ts';
import { unreadableNotes, type VerifyReport, verifyText } from '../report/findings.ts';
import { counted } from '../text.ts';
import { check, leftOut } from '../verify/check.ts';
import { type Finding, inOrder } from '../verify/finding.ts';
import { directoriesToSearch, everything, scopeOf, systemFiles } from '../verify/scope.ts';
import { findUnrecorded, zipsOnPath } from '../verify/unrecorded.ts';
import type { CommandResult } from './result.ts';

export interface VerifyOptions extends ReadOptions {
  /** The manifests of the builds. All of them are used. */
  readonly manifests: readonly string[];
  /** Directories that hold the payload, the packages of a build, or images. */
  readonly targets: readonly string[];
  /** Globs for pycs that the package has on purpose, although no manifest lists them. */
  readonly allow?: readonly string[];
  /** The HTML page to write. */
  readonly html?: string | undefined;
}

/** `pyclink verify`: checks payloads against manifests. @throws PyclinkError */
export async function verifyCommand(options: VerifyOptions): Promise<CommandResult<VerifyReport>> {
  const { targets } = options;
  const manifests = options.manifests.map((path) => readManifest(path));
  const html = options.html && outputPath(undefined, options.html);
  if (html) refuseSameFile([['--html', html]], [...options.manifests, ...targets]);
  const records = manifests.flatMap((manifest) => recordsOf(manifest));
  const interpreters = manifests.flatMap((manifest) => manifest.interpreters);
  const cacheTags = [...new Set(interpreters.map(({ cacheTag }) => cacheTag))];
  const { search, facts } = searchForBytecode({
    pycs: 'content',
    sources: true,
    hashMagicNumbers: interpreters.map(({ magicNumber }) => magicNumber),
    paths: new Set([
      ...records.flatMap(({ source, paths }) => [source, ...paths]),
      ...directoriesToSearch(records),
      ...zipsOnPath(records, cacheTags),
      ...systemFiles,
    ]),
  });
  const isInPlace = options.prepend === undefined && areInPlace(targets, records);
  const contents = await searchTargets(targets, search, { ...options, isInPlace });
  const payloads = together(contents).map((parts) => ({ parts, payload: new Payload(parts) }));
  const isAllowed = await globMatcher(options.allow ?? []);
  // If a payload contains nothing of the manifest, one line says so instead of many findings.
  const related = payloads.filter(({ payload }) => hasAny(records, payload));
  let others = 0;
  const findings = inOrder(
    related.flatMap(({ parts, payload }) => {
      const scope = isWholeSystem(parts, payload) ? scopeOf(records, payload) : everything;
      const unrecorded = findUnrecorded(records, cacheTags, payload, facts, scope, isAllowed);
      others += unrecorded.others;
      const found = [...check(records, payload, facts), ...unrecorded.findings];
      return payloads.length === 1 ? found : found.map((finding) => inTarget(finding, parts));
    }),
  );
  const unrelated = unrelatedTargets(contents, records);
  const unreadable = unreadableNotes(contents.flatMap((content) => content.unreadable));
  const left = new Set(related.flatMap(({ payload }) => [...leftOut(records, payload)]));
  const notes = [
    ...(records.length === 0 ? ['the manifest has no pycs: there is nothing to verify'] : []),
    ...unrelated.map(
      (target) =>
        `${target}: it contains no pyc of the manifest${options.prepend === undefined ? hintFor(target, records) : ''}`,
    ),
    ...(left.size > 0 && unrelated.length < contents.length
      ? [`${counted(left.size, 'module')} of the manifest without source and pycs in the payload`]
      : []),
    ...(others > 0
      ? [`${counted(others, 'pyc')} of other packages in the system: not in the manifest, not verified`]
      : []),
    ...unreadable,
  ];
  if (html) writeWhole(html, [renderPage(pageOfVerify(targets, manifests, findings))]);
  const isProven = related.length === payloads.length && unrelated.length < contents.length;
  const [pycs, linkGroups] = [totalOf(manifests, 'pycs'), totalOf(manifests, 'linkGroups')];
  const report = { pycs, linkGroups, findings, unrelated, leftOut: left.size, others, unreadable };
  const isRight = findings.length === 0 && unreadable.length === 0 && isProven;
  return {
    status: isRight ? exitStatus.done : exitStatus.problems,
    text: verifyText(report, notes, isProven),
    data: report,
  };
}

/** Whether everything in the manifests is below the targets, as after a build in place. */
function areInPlace(targets: readonly string[], records: readonly PycRecord[]): boolean {
  const below = targets.map((target) => isBelow(target));
  return records.every((record) => below.some((test) => test(record)));
}

/** Whether a record is of a file below a directory of the running system. */
function isBelow(target: string): (record: PycRecord) => boolean {
  const path = ifPossible(() => realpathSync.native(target));
  return ({ source }) => path !== undefined && contains(path, source);
}

/** Where a target without pycs of the manifest is one of several PATHs that were built in place. */
function hintFor(target: string, records: readonly PycRecord[]): string {
  const isThere = ({ paths }: PycRecord) => ifPossible(() => lstatIfAny(paths[0] as PayloadPath)) !== undefined;
  const isInPlace = records.filter(isBelow(target)).some(isThere);
  return isInPlace ? ', but was built in place, with other PATHs: name all of them, or /' : '';
}

/** A package never contains the bytecode of other packages, whatever files it has. */
function isWholeSystem(parts: readonly TargetContents[], payload: Payload): boolean {
  return parts.every(({ kind }) => kind !== 'package') && systemFiles.some((path) => payload.has(path));
}

function totalOf(manifests: readonly Manifest[], what: 'pycs' | 'linkGroups'): number {
  return manifests.reduce((sum, { totals }) => sum + totals[what], 0);
}

function hasAny(records: readonly PycRecord[], payload: Payload): boolean {
  const isKnown = (path: PayloadPath) => payload.has(path) || payload.removedBy.has(path);
  return records.some(({ source, paths }) => isKnown(source) || paths.some(isKnown));
}

function inTarget(finding: Finding, contents: readonly TargetContents[]): Finding {
  return { ...finding, detail: `${finding.detail}, in ${contents.map(({ target }) => target).join(', ')}` };
}

/** The targets that contain no pyc of the manifests. */
function unrelatedTargets(contents: readonly TargetContents[], records: readonly PycRecord[]): string[] {
  const recorded = new Set<PayloadPath>(records.flatMap(({ paths }) => paths));
  if (recorded.size === 0) return [];
  const isUnrelated = (content: TargetContents) => {
    const payload = new Payload([content]);
    return ![...recorded].some((path) => payload.has(path));
  };
  return contents.filter(isUnrelated).map(({ target }) => target);
}
