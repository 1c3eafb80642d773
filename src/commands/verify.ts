import { exitStatus } from '../errors.ts';
import type { PayloadPath } from '../files/path.ts';
import { recordsOf } from '../manifest/encode.ts';
import { outputPath, refuseSameFile, writeWhole } from '../manifest/file.ts';
import { readManifest } from '../manifest/read.ts';
import type { PycRecord } from '../manifest/schema.ts';
import { pageOfVerify } from '../page/of-manifest.ts';
import { renderPage } from '../page/render.ts';
import { payloadOf, wantedFor } from '../payload/entry.ts';
import { payloadsOf, type ReadOptions, readTargets, type TargetContent } from '../payload/read.ts';
import { findingsText, unreadableNotes } from '../report/findings.ts';
import { check, type Finding, inOrder } from '../verify/check.ts';
import { findStrays } from '../verify/strays.ts';
import type { CommandResult } from './result.ts';

export interface VerifyOptions extends ReadOptions {
  readonly manifest: string;
  /** A directory that holds the payload, the packages of a build, or images. */
  readonly targets: readonly string[];
  /** Where to write a page. */
  readonly html?: string | undefined;
}

/** `pyclink verify`: checks payloads against a manifest. @throws PyclinkError */
export async function verifyCommand(options: VerifyOptions): Promise<CommandResult> {
  const manifest = readManifest(options.manifest);
  const html = options.html && outputPath(undefined, options.html);
  if (html) refuseSameFile([['--html', html]], [options.manifest, ...options.targets]);
  const records = recordsOf(manifest);
  const magicNumbers = manifest.interpreters.map(({ magicNumber }) => magicNumber);
  const cacheTags = manifest.interpreters.map(({ cacheTag }) => cacheTag);
  const contents = await readTargets(options.targets, { ...wantedFor(records, magicNumbers), others: true }, options);
  const checked = payloadsOf(contents);
  const findings = inOrder(
    checked.flatMap((together) => {
      const found = findingsIn(together, records, cacheTags);
      return checked.length === 1 ? found : found.map((finding) => inTarget(finding, together));
    }),
  );
  const unrelated = unrelatedTargets(contents, records);
  const notes = [
    ...unrelated.map((target) => `${target}: no pyc of the manifest is in it`),
    ...unreadableNotes(contents.flatMap(({ unreadable }) => unreadable)),
  ];
  if (html) writeWhole(html, [renderPage(pageOfVerify(options.targets, manifest, findings))]);
  const { pycs, linkGroups } = manifest.totals;
  return {
    status: findings.length === 0 ? exitStatus.done : exitStatus.problems,
    text: findingsText(findings, notes, pycs, linkGroups),
    data: { pycs, linkGroups, findings, unrelated },
  };
}

/** Checks targets that are one payload. */
function findingsIn(
  contents: readonly TargetContent[],
  records: readonly PycRecord[],
  cacheTags: readonly string[],
): Finding[] {
  const payload = payloadOf(contents.flatMap(({ entries }) => entries));
  const removedBy = new Map(contents.flatMap((content) => [...content.removedBy]));
  return [...check(records, payload, removedBy), ...findStrays(records, cacheTags, payload)];
}

function inTarget(finding: Finding, contents: readonly TargetContent[]): Finding {
  return { ...finding, detail: `${finding.detail}, in ${contents.map(({ target }) => target).join(', ')}` };
}

/** The targets in which not one pyc of the manifest is. */
function unrelatedTargets(contents: readonly TargetContent[], records: readonly PycRecord[]): string[] {
  const recorded = new Set<PayloadPath>(records.flatMap(({ paths }) => paths));
  if (recorded.size === 0) return [];
  const isUnrelated = ({ entries }: TargetContent) => !entries.some(({ path }) => recorded.has(path));
  return contents.filter(isUnrelated).map(({ target }) => target);
}
