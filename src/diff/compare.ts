import { type CodeChange, codeChanges } from '../inspect/code-changes.ts';
import { headerDifference } from '../inspect/first-difference.ts';
import { codeSha256Of } from '../marshal/pyc-facts.ts';
import { type PycHeader, parsePycHeader } from '../pyc/header.ts';
import { releaseOf } from '../pyc/releases.ts';
import { shortened, timeText } from '../text.ts';
import type { DiffKind } from './kinds.ts';

/** A difference between two pycs. */
export interface PycDifference {
  readonly kind: DiffKind;
  /** The code object that differs: `<module>.Shop.pay`. */
  readonly code?: string;
  readonly detail: string;
}

/** Compares two pycs with different bytes. If the code differs, other differences are not reported. */
export function comparePycs(old: Buffer, now: Buffer): readonly PycDifference[] {
  const [was, is] = [parsePycHeader(old), parsePycHeader(now)];
  if ('unreadable' in was || 'unreadable' in is) {
    const one = 'unreadable' in is ? `it ${is.unreadable}` : 'unreadable' in was ? `the old pyc ${was.unreadable}` : '';
    return [{ kind: 'bytes', detail: one }];
  }
  if (was.magicNumber !== is.magicNumber) {
    return [{ kind: 'interpreter', detail: `${interpreter(is.magicNumber)}, was ${interpreter(was.magicNumber)}` }];
  }
  const differences = compareCode(old, now, releaseOf(was.magicNumber).headerSizeBytes);
  if (differences.some(({ kind }) => kind === 'code' || kind === 'bytes')) return differences;
  return [...differences, ...compareHeaders(was, is)];
}

/** Only the mtime changes with every build; the rest changes with the source or the options. */
function compareHeaders(was: PycHeader, is: PycHeader): readonly PycDifference[] {
  if (was.invalidationMode === 'timestamp' && is.invalidationMode === 'timestamp') {
    const [old, now] = [was.sourceMtimeSeconds, is.sourceMtimeSeconds];
    if (was.sourceSizeBytes !== is.sourceSizeBytes) {
      return [{ kind: 'header', detail: `size of the source ${is.sourceSizeBytes}, was ${was.sourceSizeBytes}` }];
    }
    return old === now ? [] : [{ kind: 'mtime', detail: `${timeText(now)}, was ${timeText(old)}` }];
  }
  const difference = headerDifference(was, is);
  if (difference === undefined) return [];
  return [{ kind: 'header', detail: `${difference.what} ${difference.second}, was ${difference.first}` }];
}

function compareCode(old: Buffer, now: Buffer, start: number): readonly PycDifference[] {
  if (old.subarray(start).equals(now.subarray(start))) return [];
  const [was, is] = [codeSha256Of(old), codeSha256Of(now)];
  if (was === undefined || is === undefined) return [{ kind: 'bytes', detail: 'its code has no normal form' }];
  if (was === is) return [{ kind: 'flags', detail: 'the same code in normal form' }];
  const changes = codeChanges(old, now);
  if (changes === undefined) return [{ kind: 'code', detail: 'too large to locate the difference' }];
  return [
    ...changes.changes.map((change) => ({ kind: 'code' as const, code: change.code, detail: inWords(change) })),
    ...(changes.hasOtherLines
      ? [{ kind: 'lines' as const, detail: 'the same code with different lines or columns' }]
      : []),
    ...(changes.hasOtherPath
      ? [{ kind: 'path' as const, detail: 'the same code with a different recorded path' }]
      : []),
  ];
}

function inWords({ code, difference, isIn }: CodeChange): string {
  if (difference === undefined) return isIn === 'first' ? 'removed' : 'added';
  const { place, what, first, second } = difference;
  const inside = place.slice(code.length).replace(/^: /, '');
  if (inBytes.includes(inside)) return `different ${inside}`;
  const where = [inside, ...(what === 'value' ? [] : [what])].filter((part) => part !== '').join(': ');
  return `${where} is ${shortened(second)}, was ${shortened(first)}`;
}

function interpreter(magicNumber: number): string {
  return releaseOf(magicNumber).name ?? `magic number ${magicNumber}`;
}

/** Binary fields, whose values are not shown. */
const inBytes = ['instructions', 'exception table', 'kinds of variables'];
