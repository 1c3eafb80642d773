import type { Audited } from './audited.ts';
import type { AuditFinding } from './finding.ts';
import { compiledModules, modulesOf } from './modules.ts';

/** A summary of the bytecode in a payload. */
export interface AuditSummary {
  /** By cache tag and level; `none` for pycs next to their sources. */
  readonly pycs: Readonly<Record<string, readonly [level0: number, level1: number, level2: number]>>;
  /** Counts each file once, however many names it has. */
  readonly sizeBytes: number;
  /** The bytes that links between identical levels would save. */
  readonly savedBytes: number;
  /** Modules in Python directories, and files elsewhere that are not programs. */
  readonly modules: number;
  /** Modules without a pyc that import uses: each start compiles them. */
  readonly modulesWithoutBytecode: number;
  /** With `--recompile`: pycs whose code is what their source compiles to. */
  readonly recompiled?: number;
}

/** Summarizes payloads. @param findings all findings of the audit */
export function summaryOf(all: readonly Audited[], findings: readonly AuditFinding[]): AuditSummary {
  const pycs: Record<string, [number, number, number]> = {};
  const sizes = new Map<string, number>();
  let [modules, modulesWithoutBytecode] = [0, 0];
  for (const audited of all) {
    const compiled = compiledModules(audited, findings);
    for (const { entry, name } of audited.pycs) {
      const tag = name.cacheTag ?? 'none';
      pycs[tag] ??= [0, 0, 0];
      pycs[tag][name.level] += 1;
      sizes.set(entry.file, entry.sizeBytes);
    }
    for (const { path } of modulesOf(audited.payload)) {
      modules += 1;
      if (!compiled.has(path)) modulesWithoutBytecode += 1;
    }
  }
  return {
    pycs,
    sizeBytes: [...sizes.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0),
    savedBytes: findings.reduce((sum, { savedBytes = 0 }) => sum + savedBytes, 0),
    modules,
    modulesWithoutBytecode,
  };
}
