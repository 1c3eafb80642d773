import type { Audited, AuditedPyc } from '../audit/audited.ts';
import type { PayloadEntry } from '../payload/entry.ts';
import { sourceOf } from '../payload/source.ts';
import type { Level } from '../pyc/name.ts';
import { codeLayoutOf } from '../pyc/releases.ts';

/** A source to compile again, and the pycs that claim to be compiled from it. */
export interface RecompileJob {
  readonly source: PayloadEntry;
  /** The path that the pycs record for tracebacks. */
  readonly recordedPath: string;
  readonly magicNumber: number;
  /** Whether the line tables of the pycs have columns. Before 3.11 there are none to leave out. */
  readonly debugRanges: boolean;
  /** By the level in their names. */
  readonly pycs: ReadonlyMap<Level, readonly AuditedPyc[]>;
}

/** The jobs, and the number of pycs that are left out, by reason. */
export interface RecompilePlan {
  readonly jobs: readonly RecompileJob[];
  readonly left: ReadonlyMap<string, number>;
}

/** Plans which sources to compile again, at which levels and as which paths. */
export function planRecompile(all: readonly Audited[]): RecompilePlan {
  const jobs = new Map<string, RecompileJob & { readonly pycs: Map<Level, AuditedPyc[]> }>();
  const left = new Map<string, number>();
  for (const { payload, pycs } of all) {
    for (const pyc of pycs) {
      const { entry, name, facts } = pyc;
      const source = sourceOf(payload, entry, name.source);
      const reason = reasonToLeave(pyc, source);
      if (reason !== undefined) left.set(reason, (left.get(reason) ?? 0) + 1);
      if (reason !== undefined || source === undefined || facts === undefined || 'unread' in facts) continue;
      const { header, recordedPath = name.source, hasColumns: debugRanges = true } = facts;
      if ('unreadable' in header) continue;
      const { magicNumber } = header;
      const key = [source.file, magicNumber, debugRanges, recordedPath].join('\0');
      const job = jobs.get(key) ?? { source, recordedPath, magicNumber, debugRanges, pycs: new Map() };
      jobs.set(key, job);
      job.pycs.set(name.level, [...(job.pycs.get(name.level) ?? []), pyc]);
    }
  }
  return { jobs: [...jobs.values()], left };
}

/** Why a pyc is not compiled again; undefined if it is. No compiler writes code that cannot be normalized. */
function reasonToLeave({ facts }: AuditedPyc, source: PayloadEntry | undefined): string | undefined {
  if (facts === undefined || 'unread' in facts || 'unreadable' in facts.header) return 'not readable';
  if (source === undefined) return 'without a source';
  const { header, damage } = facts;
  if (codeLayoutOf(header.magicNumber) === undefined) return 'for an interpreter whose code pyclink cannot read';
  if (damage !== undefined) return 'damaged';
  return undefined;
}
