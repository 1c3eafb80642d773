import { exitStatus } from '../errors.ts';
import type { PayloadPath } from '../files/path.ts';
import { recordsOf } from '../manifest/encode.ts';
import { outputPath, refuseSameFile, writeWhole } from '../manifest/file.ts';
import { readManifest } from '../manifest/read.ts';
import type { PycRecord } from '../manifest/schema.ts';
import { pageOfVerify } from '../page/of-manifest.ts';
import { renderPage } from '../page/render.ts';
import { type BytecodeFacts, searchForBytecode } from '../payload/bytecode.ts';
import { Payload } from '../payload/payload.ts';
import { type ReadOptions, searchTargets, type TargetContents, together } from '../payload/targets.ts';
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
  const isHashed = records.some(({ invalidationMode }) => invalidationMode !== 'timestamp');
  const { search, facts } = searchForBytecode({
    pycs: 'content',
    sources: isHashed,
    hashMagicNumbers: magicNumbers,
    paths: new Set(records.flatMap(({ source, paths }) => [source, ...paths])),
  });
  const contents = await searchTargets(options.targets, search, options);
  const checked = together(contents);
  const findings = inOrder(
    checked.flatMap((parts) => {
      const found = findingsIn(parts, records, cacheTags, facts);
      return checked.length === 1 ? found : found.map((finding) => inTarget(finding, parts));
    }),
  );
  const unrelated = unrelatedTargets(contents, records);
  const unreadable = unreadableNotes(contents.flatMap((content) => content.unreadable));
  const notes = [...unrelated.map((target) => `${target}: no pyc of the manifest is in it`), ...unreadable];
  if (html) writeWhole(html, [renderPage(pageOfVerify(options.targets, manifest, findings))]);
  const { pycs, linkGroups } = manifest.totals;
  return {
    status: findings.length + unreadable.length === 0 ? exitStatus.done : exitStatus.problems,
    text: findingsText(findings, notes, unreadable.length, { pycs, linkGroups }),
    data: { pycs, linkGroups, findings, unrelated, unreadable },
  };
}

/** Checks targets that are one payload. */
function findingsIn(
  contents: readonly TargetContents[],
  records: readonly PycRecord[],
  cacheTags: readonly string[],
  facts: BytecodeFacts,
): Finding[] {
  const payload = new Payload(contents);
  return [...check(records, payload, facts), ...findStrays(records, cacheTags, payload)];
}

function inTarget(finding: Finding, contents: readonly TargetContents[]): Finding {
  return { ...finding, detail: `${finding.detail}, in ${contents.map(({ target }) => target).join(', ')}` };
}

/** The targets in which not one pyc of the manifest is. */
function unrelatedTargets(contents: readonly TargetContents[], records: readonly PycRecord[]): string[] {
  const recorded = new Set<PayloadPath>(records.flatMap(({ paths }) => paths));
  if (recorded.size === 0) return [];
  const isUnrelated = ({ entries }: TargetContents) => !entries.some(({ path }) => recorded.has(path));
  return contents.filter(isUnrelated).map(({ target }) => target);
}
