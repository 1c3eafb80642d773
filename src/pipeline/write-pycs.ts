import { type Buildroot, toPayload } from '../buildroot/path.ts';
import type { CompileOutcome } from '../compile/compile.ts';
import { type CompileJob, invalidationModeOf } from '../compile/plan.ts';
import { refusalOf } from '../errors.ts';
import { Arena } from '../files/arena.ts';
import { ifPossible } from '../files/if-possible.ts';
import { byCodeUnit, type StagedPath } from '../files/path.ts';
import { readRegular } from '../files/read-regular.ts';
import { type LinkResult, linkIdentical } from '../links/apply.ts';
import type { ReadPyc } from '../links/fingerprint.ts';
import { groupByFile } from '../links/group.ts';
import { writeLinked } from '../links/write.ts';
import { CompiledRecord, sharedKind } from '../manifest/compiled-record.ts';
import { normalizePyc } from '../marshal/normalize-pyc.ts';
import type { UnreadableCode } from '../marshal/walk.ts';
import { type Level, pycStem } from '../pyc/name.ts';
import type { Pyc, Pycs } from '../pyc/pyc.ts';
import { releaseOf } from '../pyc/releases.ts';
import { Digests } from '../sha256.ts';
import type { Skipped } from '../skipped.ts';
import { modeText } from '../text.ts';
import type { Wanted } from './current-pycs.ts';

/** The result of writing a source's pycs, for the manifest and the log. */
export interface WrittenSource {
  readonly records: readonly CompiledRecord[];
  readonly skipped: readonly Skipped[];
  /** The compiler's warnings. */
  readonly warnings: readonly string[];
  /** The number of pycs that were already in place. */
  readonly unchanged: number;
  /** The pycs were current. */
  readonly wasCurrent: boolean;
}

/** How the pycs of a source are written. */
export interface WriteOptions extends Wanted {
  readonly buildroot: Buildroot;
  /** Record the SHA-256 of pycs and sources, which only a manifest and `--remove-sources` need. */
  readonly hash: boolean;
}

/** A pyc that cannot be normalized, and why. */
interface NotNormalized {
  readonly path: StagedPath;
  readonly message: string;
}

/** Pycs to write, and those of them that could not be normalized. */
export interface Finished extends Pycs {
  readonly notNormalized: readonly NotNormalized[];
}

/** Normalizes compiled pycs if requested. */
export function finish(made: readonly Pyc[], options: WriteOptions): Finished {
  return options.normalize ? normalized(made) : { pycs: made, notNormalized: [], digests: new Digests() };
}

/** What is known about a compiled source besides its pycs. */
type Compiled = Pick<CompileOutcome, 'job' | 'failure' | 'warnings' | 'compiled'>;

/** Writes the pycs of a source: each distinct content once, its other names as links. */
export function writePycs(
  { job, failure, warnings, compiled }: Compiled,
  { pycs, notNormalized, digests }: Finished,
  options: WriteOptions,
): WrittenSource {
  const { payload } = job.source;
  const written = writeLinked(pycs, options.link, job.source.hasCache || job.layout === 'zip');
  const skipped: Skipped[] = leftAsTheyAre(options.buildroot, notNormalized, written.notLinked);
  if (failure !== undefined) {
    const message = withoutHostPaths(failure.problem, options.buildroot);
    skipped.unshift({ path: payload, reason: failure.reason, message });
  }
  for (const { path, by } of written.taken) {
    const message = by === 'directory' ? 'a directory' : 'a fifo, a socket or a device';
    skipped.push({ path: toPayload(options.buildroot, path), reason: 'name-taken', message });
  }
  const refusals = new Set(written.failed.map(({ error }) => refusalOf(error)));
  if (refusals.size > 0) skipped.push({ path: payload, reason: 'not-written', message: [...refusals].join('\n') });
  return {
    records: recordsOf(job, written.groups, digests, options, compiled?.sha256),
    skipped,
    warnings,
    unchanged: written.kept,
    wasCurrent: false,
  };
}

/** Keeps the current pycs of a source, and links them. */
export function keepPycs(job: CompileJob, pycs: readonly ReadPyc[], options: WriteOptions): WrittenSource {
  const asTheyAre = { groups: groupByFile(pycs), notLinked: [], replaced: [] };
  const { groups, notLinked, replaced } = options.link ? linkIdentical(pycs) : asTheyAre;
  const skipped = leftAsTheyAre(options.buildroot, [], notLinked);
  return {
    records: recordsOf(job, groups, new Digests(), options),
    skipped,
    warnings: [],
    unchanged: pycs.length - replaced.length,
    wasCurrent: true,
  };
}

/** Scratch memory for the source being processed. */
const scratch = new Arena();

/** Normalizes pycs. Levels with the same content are normalized once. */
function normalized(made: readonly Pyc[]): Finished {
  scratch.clear();
  const done = new Map<Buffer, Buffer | UnreadableCode>();
  const notNormalized: NotNormalized[] = [];
  const pycs = made.map((pyc) => {
    const normal = done.get(pyc.content) ?? normalizePyc(pyc.content, scratch.take);
    done.set(pyc.content, normal);
    if (!('unreadable' in normal)) return { ...pyc, content: normal };
    notNormalized.push({ path: pyc.path, message: normal.unreadable });
    return pyc;
  });
  return { pycs, notNormalized, digests: new Digests() };
}

function recordsOf(
  job: CompileJob,
  groups: LinkResult<ReadPyc>['groups'],
  digests: Digests,
  options: WriteOptions,
  sourceSha256?: string,
): CompiledRecord[] {
  const { payload, staged, content } = job.source;
  const { version, magicNumber, cacheTag } = job.interpreter;
  const isBeside = job.layout === 'zip';
  const more = {
    ...(isBeside && { cacheTag, optimizationLevel: job.levels[0] as Level }),
    ...(!options.debugRanges && releaseOf(magicNumber).hasColumns && { debugRanges: false }),
  };
  const stem = pycStem(staged, job.layout);
  const sourceDigest = options.hash && groups.length > 0 ? digestOfSource(content, sourceSha256) : undefined;
  return groups.map((group) => {
    const endings = group.map(({ path }) => path.slice(stem.length)).sort(byCodeUnit);
    const [{ sizeBytes, content: pyc, mode }] = group as readonly [ReadPyc];
    const own = { invalidationMode: options.invalidationMode, emptyByHash: pyc[4] === 3 };
    const invalidationMode = invalidationModeOf(job, own);
    const kind = sharedKind({ endings, mode: modeText(mode), invalidationMode, interpreterVersion: version, more });
    const digest = options.hash ? digests.of(pyc) : '';
    return new CompiledRecord(payload, sizeBytes, digest, kind, sourceDigest);
  });
}

/** The SHA-256 of a source, one character per byte; undefined if it cannot be read. @param known in hexadecimal */
function digestOfSource(path: StagedPath, known: string | undefined): string | undefined {
  if (known !== undefined) return Buffer.from(known, 'hex').toString('latin1');
  const source = ifPossible(() => readRegular(path, scratch.take));
  return source && new Digests().of(source.content);
}

function leftAsTheyAre(
  buildroot: Buildroot,
  notNormalized: readonly NotNormalized[],
  notLinked: LinkResult<ReadPyc>['notLinked'],
): Skipped[] {
  const left = [
    ...notNormalized.map(({ path, message }) => ({ path, reason: 'not-normalized' as const, message })),
    ...notLinked.map(({ errno, ...one }) => ({ ...one, ...(errno !== undefined && { message: errno }) })),
  ];
  return left.map((one) => ({ ...one, path: toPayload(buildroot, one.path) }));
}

/** Removes the buildroot and the number of a temporary file from an interpreter's message. */
function withoutHostPaths(problem: string, { path, installedAt }: Buildroot): string {
  return problem
    .replaceAll(path === '/' ? '/' : `${path}/`, `${installedAt ?? ''}/`)
    .replace(/(?<=\.pyc)\.\d+(?='$)/gm, '')
    .trim();
}
