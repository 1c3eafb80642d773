import { audit } from '../audit/audit.ts';
import { type Audited, auditedOf, searchForAudit } from '../audit/audited.ts';
import { type Baseline, readBaseline } from '../audit/baseline.ts';
import type { AuditFinding } from '../audit/finding.ts';
import type { AuditFormat } from '../audit/formats.ts';
import { type AuditKind, noticeableKinds } from '../audit/kinds.ts';
import { summaryOf } from '../audit/summary.ts';
import { openTree } from '../buildroot/open.ts';
import type { Environment } from '../compile/environment.ts';
import { exitStatus, PyclinkError } from '../errors.ts';
import type { Log } from '../log.ts';
import { outputPath, refuseSameFile, writeWhole } from '../manifest/file.ts';
import { pageOfAudit } from '../page/of-audit.ts';
import { renderPage } from '../page/render.ts';
import { type BytecodeFacts, searchForBytecode } from '../payload/bytecode.ts';
import { Payload } from '../payload/payload.ts';
import { type ReadOptions, searchTargets, type TargetContents, together, withUnreadable } from '../payload/targets.ts';
import { auditText } from '../report/audit.ts';
import { unreadableNotes } from '../report/findings.ts';
import { junitXml } from '../report/junit.ts';
import { sarifLog } from '../report/sarif.ts';
import { counted } from '../text.ts';
import { inOrder } from '../verify/finding.ts';
import type { CommandResult } from './result.ts';

export interface AuditOptions extends ReadOptions {
  readonly targets: readonly string[];
  /** The kinds to report. Default: all. */
  readonly only?: readonly AuditKind[];
  readonly ignore?: readonly AuditKind[];
  /** The kinds that make the exit status 1. Default: those that a user of the package can notice. */
  readonly failOn?: readonly AuditKind[];
  readonly verbose?: boolean;
  /** The JSON report of an earlier audit, whose findings are not reported again. */
  readonly baseline?: string | undefined;
  /** The format of the report. */
  readonly format: AuditFormat;
  /** The HTML page to write. */
  readonly html?: string | undefined;
  /** Compile the sources again and compare the code. */
  readonly recompile?: RecompileRequest | undefined;
}

/** How to compile sources again. */
interface RecompileRequest {
  /** The command that the user named. */
  readonly python?: string | undefined;
  /** Use the interpreters of the target, in a chroot there. */
  readonly chroot: boolean;
  /** How many run at a time. */
  readonly jobs: number;
  readonly environment: Environment;
}

/**
 * `pyclink audit`: finds problems with the pycs of any target. Needs no manifest.
 * @param log for notes that have no place in SARIF and JUnit
 * @throws PyclinkError
 */
export async function auditCommand(options: AuditOptions, log: Log): Promise<CommandResult> {
  const baseline = options.baseline === undefined ? undefined : readBaseline(options.baseline);
  const html = options.html && outputPath(undefined, options.html);
  if (html) refuseSameFile([['--html', html]], [options.baseline ?? [], options.targets].flat());
  const { contents, facts } = await readTargets(options);
  const audited = together(contents).map((parts) => auditedOf(new Payload(parts), facts));
  const again = options.recompile && (await recompileAll(audited, options, options.recompile));
  const all = inOrder([...audited.flatMap(audit), ...(again?.findings ?? [])]).map((one) => inLayer(one, audited));
  const findings = all.filter((finding) => isMeant(finding, options) && baseline?.isKnown(finding) !== true);
  const summary = { ...summaryOf(audited, all), ...(again && { recompiled: again.same }) };
  const unreadable = unreadableNotes(contents.flatMap((content) => content.unreadable));
  const notes = [...unreadable, ...(again?.notes ?? []), ...baselineNotes(baseline, all)];
  if (options.format === 'sarif' || options.format === 'junit') for (const note of notes) log.warn(note);
  const shown = withoutDirectory(findings, contents);
  if (html) writeWhole(html, [renderPage(pageOfAudit(options.targets, audited, all, shown, summary, notes))]);
  const { failOn = noticeableKinds } = options;
  const isFailure = findings.some(({ kind }) => failOn.includes(kind));
  const isComplete = unreadable.length === 0 && again?.isComplete !== false;
  return {
    status: isFailure || !isComplete ? exitStatus.problems : exitStatus.done,
    text:
      options.format === 'junit'
        ? junitXml(shown)
        : auditText(shown, summary, notes, options.verbose === true, isComplete),
    data: options.format === 'sarif' ? sarifLog(shown) : { findings, summary, unreadable },
  };
}

/** Adds the layer to a finding in an image. */
function inLayer(finding: AuditFinding, all: readonly Audited[]): AuditFinding {
  const { path, container } = finding;
  const own = all
    .flatMap(({ payload }) => payload.entries.get(path) ?? [])
    .find((entry) => entry.container === container);
  return own?.layer === undefined ? finding : { ...finding, layer: own.layer };
}

/** Findings in one directory, which is no container that reports name: it may be another for each build. */
function withoutDirectory(findings: readonly AuditFinding[], contents: readonly TargetContents[]): AuditFinding[] {
  const trees = contents.filter(({ kind }) => kind === 'tree').map(({ entries }) => entries[0]?.container);
  if (new Set(trees).size !== 1) return [...findings];
  return findings.map((finding) => (trees.includes(finding.container) ? { ...finding, container: '' } : finding));
}

/** @throws PyclinkError */
async function recompileAll(audited: readonly Audited[], options: AuditOptions, request: RecompileRequest) {
  const { recompile } = await import('../recompile/recompile.ts');
  const [target = '', ...others] = options.targets;
  if (request.chroot && others.length > 0) throw new PyclinkError('usage', '--chroot: takes one directory');
  return recompile(audited, {
    ...request,
    chroot: request.chroot ? openTree(target) : undefined,
    search: (search) => searchTargets(options.targets, search, { ...options, mayBePart: true }),
  });
}

function isMeant({ kind }: AuditFinding, { only, ignore }: AuditOptions): boolean {
  return only?.includes(kind) !== false && ignore?.includes(kind) !== true;
}

/** Notes about the baseline: how many known findings are not shown, and which of them no longer occur. */
function baselineNotes(baseline: Baseline | undefined, all: readonly AuditFinding[]): string[] {
  if (baseline === undefined) return [];
  const known = all.filter((finding) => baseline.isKnown(finding)).length;
  const gone = baseline.goneFrom(all);
  const notes = known === 0 ? [] : [`${counted(known, 'finding')} of the baseline not shown`];
  return gone.length === 0
    ? notes
    : [...notes, `${counted(gone.length, 'finding')} of the baseline no longer found, such as ${gone[0]}`];
}

/** Reads the targets. Reads them again to hash the sources if some pycs are hash-based. */
async function readTargets(
  given: AuditOptions,
): Promise<{ readonly contents: readonly TargetContents[]; readonly facts: BytecodeFacts }> {
  const options = { ...given, mayBePart: true };
  const pycs = options.recompile === undefined ? 'in-depth' : 'code';
  const { search, facts } = searchForAudit(pycs);
  const contents = await searchTargets(options.targets, search, options);
  const hashMagicNumbers = new Set<number>();
  for (const pyc of facts.pycs.values()) {
    if ('unread' in pyc || 'unreadable' in pyc.header || pyc.header.invalidationMode === 'timestamp') continue;
    hashMagicNumbers.add(pyc.header.magicNumber);
  }
  if (hashMagicNumbers.size === 0) return { contents, facts };
  const again = searchForBytecode({ pycs: 'none', sources: true, hashMagicNumbers: [...hashMagicNumbers] });
  const reread = await searchTargets(options.targets, again.search, options);
  return {
    contents: contents.map((one, i) => withUnreadable(one, reread[i])),
    facts: { ...facts, sources: again.facts.sources },
  };
}
