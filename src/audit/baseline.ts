import * as z from 'zod';
import { errnoOf, PyclinkError } from '../errors.ts';
import { byCodeUnit } from '../files/path.ts';
import { readJson } from '../manifest/read.ts';
import type { AuditFinding } from './finding.ts';

/** The fields of a `pyclink audit --json` report that a baseline needs. */
const reportSchema = z.object({ findings: z.array(z.object({ kind: z.string(), path: z.string() })) });

/** Known findings that are not reported again. */
export interface Baseline {
  isKnown(finding: AuditFinding): boolean;
  /** Known findings that are not among `findings`, as `KIND PATH`. */
  goneFrom(findings: readonly AuditFinding[]): string[];
}

/**
 * Reads the JSON report of an earlier audit as a baseline. A finding is known by its kind and path; its details, such
 * as an mtime, may differ.
 * @throws PyclinkError `usage` if it is not such a report, or cannot be read
 */
export function readBaseline(path: string): Baseline {
  const unusable = (reason: string, cause?: unknown) => {
    const hint = errnoOf(cause) === undefined ? 'a baseline is the output of pyclink audit --json' : undefined;
    return new PyclinkError('usage', reason, { path, hint, cause });
  };
  const report = reportSchema.safeParse(readJson(path, 'baseline', unusable));
  if (!report.success) throw unusable('is not an audit report');
  const known = new Set(report.data.findings.map(keyOf));
  return {
    isKnown: (finding) => known.has(keyOf(finding)),
    goneFrom: (findings) => {
      const found = new Set(findings.map(keyOf));
      return [...known].filter((key) => !found.has(key)).sort(byCodeUnit);
    },
  };
}

function keyOf({ kind, path }: { readonly kind: string; readonly path: string }): string {
  return `${kind} ${path}`;
}
