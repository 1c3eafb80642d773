import { printable } from '../printable.ts';
import type { PycHeader } from '../pyc/header.ts';
import { timeText } from '../text.ts';

/** The result of `inspect` for a pyc. */
export interface Inspection {
  readonly path: string;
  readonly interpreter: string | undefined;
  readonly header: PycHeader;
  /** From its name; undefined if that is not the name of a pyc. */
  readonly level: number | undefined;
  readonly cacheTag: string | undefined;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly source:
    | { readonly path: string; readonly state: 'fits' | 'missing' | 'unknown' }
    | { readonly path: string; readonly state: 'differs' | 'unreadable'; readonly reason: string }
    | undefined;
}

/** One line for each fact. */
export function inspectionText(inspection: Inspection): string {
  const { header, source } = inspection;
  const facts: [string, string | number][] = [
    ['pyc', inspection.path],
    ['magic number', `${header.magicNumber} (${inspection.interpreter ?? 'unknown interpreter'})`],
    ['cache tag', inspection.cacheTag ?? 'not in the name'],
    ['level', inspection.level ?? 'not in the name'],
    ['invalidation', header.invalidationMode],
    ...recordedFacts(header),
    ['size', `${inspection.sizeBytes} bytes`],
    ['sha256', inspection.sha256],
  ];
  if (source !== undefined) facts.push(['source', `${source.path}: ${sourceText(source)}`]);
  return facts.map(([name, value]) => `${name.padEnd(14)}${printable(String(value))}\n`).join('');
}

function recordedFacts(header: PycHeader): [string, string | number][] {
  if (header.invalidationMode !== 'timestamp') return [['source hash', header.sourceHash]];
  return [
    ['source mtime', `${header.sourceMtimeSeconds} (${timeText(header.sourceMtimeSeconds)})`],
    ['source size', `${header.sourceSizeBytes} bytes`],
  ];
}

function sourceText(source: NonNullable<Inspection['source']>): string {
  if (source.state === 'differs') return `does not match: ${source.reason}`;
  if (source.state === 'unreadable') return source.reason;
  return source.state === 'fits' ? 'matches' : 'not found';
}
