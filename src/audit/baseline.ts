import * as z from 'zod';
import { PyclinkError } from '../errors.ts';
import { byCodeUnit } from '../files/path.ts';
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
 * @throws PyclinkError `usage` if it is not such a report
 */
export function parseBaseline(text: string, file: string): Baseline {
  const known = new Set(reportIn(text, file).findings.map(keyOf));
  return {
    isKnown: (finding) => known.has(keyOf(finding)),
    goneFrom: (findings) => {
      const found = new Set(findings.map(keyOf));
      return [...known].filter((key) => !found.has(key)).sort(byCodeUnit);
    },
  };
}

function reportIn(text: string, file: string): z.output<typeof reportSchema> {
  const hint = 'a baseline is the output of pyclink audit --json';
  try {
    const report = reportSchema.safeParse(JSON.parse(text));
    if (report.success) return report.data;
  } catch (cause) {
    throw new PyclinkError('usage', 'is not JSON', { path: file, hint, cause });
  }
  throw new PyclinkError('usage', 'is not an audit report', { path: file, hint });
}

function keyOf({ kind, path }: { readonly kind: string; readonly path: string }): string {
  return `${kind} ${path}`;
}
