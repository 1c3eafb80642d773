import { type Buildroot, byCodeUnit, type StagedPath, toPayload } from './buildroot/path.ts';
import type { Skipped, SkipReason } from './buildroot/skipped.ts';
import { Arena } from './bytecode/arena.ts';
import type { CompileOutcome, MadePyc } from './bytecode/compile.ts';
import type { Unreadable } from './bytecode/marshal.ts';
import { normalizePyc } from './bytecode/normalize.ts';
import { type CompileJob, pycsOf } from './bytecode/plan.ts';
import { pycStem } from './bytecode/pyc-name.ts';
import type { BuildOptions } from './config.ts';
import { messageOf } from './errors.ts';
import { type LinkResult, linkIdentical } from './links/apply.ts';
import { type ReadPyc, readPyc, sameContent, sha256Of } from './links/fingerprint.ts';
import { groupByInode } from './links/group.ts';
import { normalizeFiles } from './links/normalize.ts';
import { writeLinked } from './links/write.ts';
import { CompiledRecord, type RecordKind } from './manifest/compiled-record.ts';

/** Links the pycs of each source as soon as it is compiled, and keeps what the manifest will say. */
export class Collected {
  readonly records: CompiledRecord[] = [];
  readonly skipped: Skipped[] = [];
  readonly warnings: string[] = [];
  readonly #buildroot: Buildroot;
  readonly #options: BuildOptions;
  readonly #kinds = new Map<string, RecordKind>();
  /** For the normal form of the source that is at hand. */
  readonly #arena = new Arena();

  constructor(buildroot: Buildroot, options: BuildOptions) {
    this.#buildroot = buildroot;
    this.#options = options;
  }

  /** Writes what was made of a source. */
  add({ job, made, failure, warnings }: CompileOutcome): void {
    const { payload } = job.source;
    this.warnings.push(...warnings);
    if (failure !== undefined) {
      const message = withoutHostPaths(failure.problem, this.#buildroot);
      this.skipped.push({ path: payload, reason: failure.reason, message });
    }
    this.#arena.clear();
    const normalized = new Map<Buffer, Buffer | Unreadable>();
    const pycs = made.map((pyc) => ({ path: pyc.staged, content: this.#normalized(pyc, normalized), mode: pyc.mode }));
    const result = writeLinked(pycs, this.#options.link);
    this.#keep(job, result);
    // Without the name of the temporary file.
    const messages = result.failed.map(({ error }) => messageOf(error).split(',')[0]);
    if (messages.length > 0) {
      this.skipped.push({ path: payload, reason: 'not-written', message: [...new Set(messages)].join('\n') });
    }
  }

  /** Takes over the pycs of a source that are current. */
  addCurrent(job: CompileJob): void {
    let found = pycsOf(job).flatMap((pyc) => readPyc(pyc.staged) ?? []);
    if (this.#options.normalize) {
      const { pycs: inNormalForm, notNormalized } = normalizeFiles(found, false);
      found = [...inNormalForm];
      for (const { path, message } of notNormalized) this.#leave(path, 'not-normalized', message);
    }
    const unlinked = { groups: groupByInode(found), notLinked: [] };
    this.#keep(job, this.#options.link ? linkIdentical(found, sameContent) : unlinked);
  }

  /** @param done what became of each content: levels that are certain to be the same share theirs */
  #normalized({ staged, content }: MadePyc, done: Map<Buffer, Buffer | Unreadable>): Buffer {
    if (!this.#options.normalize) return content;
    const normalized = done.get(content) ?? normalizePyc(content, this.#arena.take);
    done.set(content, normalized);
    if (!('unreadable' in normalized)) return normalized;
    this.#leave(staged, 'not-normalized', normalized.unreadable);
    return content;
  }

  #keep({ source }: CompileJob, { groups, notLinked }: Pick<LinkResult<ReadPyc>, 'groups' | 'notLinked'>) {
    for (const { path, reason, errno } of notLinked) this.#leave(path, reason, errno);
    const stem = pycStem(source.staged);
    for (const group of groups) {
      const endings = group.map(({ path }) => path.slice(stem.length)).sort(byCodeUnit);
      const [{ sizeBytes, content, mode }] = group as [ReadPyc];
      this.records.push(new CompiledRecord(source.payload, sizeBytes, sha256Of(content), this.#kind(endings, mode)));
    }
  }

  #leave(path: StagedPath, reason: SkipReason, message: string | undefined): void {
    this.skipped.push({
      path: toPayload(this.#buildroot, path),
      reason,
      ...(message === undefined ? {} : { message }),
    });
  }

  /** One for all that are alike. */
  #kind(endings: readonly string[], modeBits: number): RecordKind {
    const mode = modeBits.toString(8).padStart(4, '0');
    const key = [mode, ...endings].join();
    const kind = this.#kinds.get(key) ?? { endings, mode, invalidationMode: this.#options.invalidationMode };
    this.#kinds.set(key, kind);
    return kind;
  }
}

/** What an interpreter said, less the way to the buildroot and the number in the name of its temporary file. */
function withoutHostPaths(problem: string, buildroot: Buildroot): string {
  return problem
    .replaceAll(`${buildroot.path}/`, '/')
    .replace(/(?<=\.pyc)\.\d+(?='$)/gm, '')
    .trim();
}
