import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import type { Payload, PayloadEntry } from '../payload/entry.ts';
import { type AuditFinding, pycsIn } from './audit.ts';

/** What bytecode a payload has. */
export interface AuditSummary {
  /** By cache tag, then by level; `none` for pycs beside their sources. */
  readonly pycs: Readonly<Record<string, readonly [level0: number, level1: number, level2: number]>>;
  /** Each file once, whatever its names. */
  readonly sizeBytes: number;
  /** What links among equal levels would save. */
  readonly savedBytes: number;
  /** Modules in Python directories. */
  readonly modules: number;
  /** Those without any pyc: each start compiles them. */
  readonly modulesWithoutBytecode: number;
}

/** Counts. */
export function summaryOf(payload: Payload, findings: readonly AuditFinding[]): AuditSummary {
  const pycs: Record<string, [number, number, number]> = {};
  const files = new Map<string, PayloadEntry>();
  const compiled = new Set<string>();
  for (const { entry, name } of pycsIn(payload)) {
    const tag = name.cacheTag ?? 'none';
    const levels = pycs[tag] ?? [0, 0, 0];
    levels[name.level] += 1;
    pycs[tag] = levels;
    files.set(`${entry.container}\0${entry.inode}`, entry);
    compiled.add(name.source);
  }
  const modules = [...payload.keys()].filter((path) => path.endsWith('.py') && pythonDirectoryOf(path) !== undefined);
  return {
    pycs,
    sizeBytes: [...files.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    savedBytes: findings.reduce((sum, { savedBytes = 0 }) => sum + savedBytes, 0),
    modules: modules.length,
    modulesWithoutBytecode: modules.filter((path) => !compiled.has(path)).length,
  };
}
