import type { Audited } from './audited.ts';
import type { AuditFinding } from './finding.ts';
import { compiledModules, modulesOf } from './modules.ts';

/** What bytecode a payload has. */
export interface AuditSummary {
  /** By cache tag, then by level; `none` for pycs beside their sources. */
  readonly pycs: Readonly<Record<string, readonly [level0: number, level1: number, level2: number]>>;
  /** Each file once, whatever its names. */
  readonly sizeBytes: number;
  /** What links among equal levels would save. */
  readonly savedBytes: number;
  /** Modules in Python directories, and those elsewhere that are no programs. */
  readonly modules: number;
  /** Those without a pyc that import takes: each start compiles them. */
  readonly modulesWithoutBytecode: number;
  /** Pycs whose code is what their source compiles to, if they were compiled again. */
  readonly recompiled?: number;
}

/** Adds up what payloads have. @param findings all that audit found in them */
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
