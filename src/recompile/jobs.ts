import type { Audited, AuditedPyc } from '../audit/audited.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { PayloadEntry } from '../payload/entry.ts';
import { sourceOf } from '../payload/source.ts';
import type { Level } from '../pyc/name.ts';
import { codeLayoutOf } from '../pyc/releases.ts';

/** A pyc that claims to be compiled from a source. */
export interface RecompilePyc {
  readonly entry: PayloadEntry;
  /** From its name; undefined for a pyc next to its source, whose name does not tell its level. */
  readonly level: Level | undefined;
  readonly codeSha256: string | undefined;
}

/** A source to compile again. */
export interface RecompileJob {
  readonly source: PayloadEntry;
  /** The path that the pycs record for tracebacks. */
  readonly recordedPath: string;
  readonly magicNumber: number;
  /** Whether the line tables of the pycs have columns. Before 3.11 there are none to leave out. */
  readonly debugRanges: boolean;
  readonly pycs: readonly RecompilePyc[];
}

/** The jobs, and the number of pycs that are left out, by reason. */
export interface RecompilePlan {
  readonly jobs: readonly RecompileJob[];
  readonly left: ReadonlyMap<string, number>;
}

/** Plans which sources to compile again, at which levels and as which paths. */
export function planRecompile(all: readonly Audited[]): RecompilePlan {
  const jobs = new Map<string, RecompileJob & { readonly pycs: RecompilePyc[] }>();
  const left = new Map<string, number>();
  for (const { payload, pycs } of all) {
    for (const pyc of pycs) {
      const job = jobOf(pyc, sourceOf(payload, pyc.entry, pyc.name.source));
      if (typeof job === 'string') {
        left.set(job, (left.get(job) ?? 0) + 1);
        continue;
      }
      const key = [job.source.file, job.magicNumber, job.debugRanges, job.recordedPath].join('\0');
      getOrAdd(jobs, key, () => ({ ...job, pycs: [] })).pycs.push(...job.pycs);
    }
  }
  return { jobs: [...jobs.values()], left };
}

/** The job for one pyc, or why it is not compiled again. No compiler writes code that cannot be normalized. */
function jobOf({ entry, name, facts }: AuditedPyc, source: PayloadEntry | undefined): RecompileJob | string {
  if (facts === undefined || 'unread' in facts || 'unreadable' in facts.header) return 'not readable';
  if (source === undefined) return 'without a source';
  const { header, damage, codeSha256, recordedPath = name.source, hasColumns: debugRanges = true } = facts;
  if (codeLayoutOf(header.magicNumber) === undefined) return 'for an interpreter whose code pyclink cannot read';
  if (damage !== undefined) return 'damaged';
  const level = name.cacheTag === undefined ? undefined : name.level;
  return { source, recordedPath, magicNumber: header.magicNumber, debugRanges, pycs: [{ entry, level, codeSha256 }] };
}
