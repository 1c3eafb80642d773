import type { OutlinedObject } from '../inspect/outline.ts';
import type { Difference } from '../inspect/value-difference.ts';
import { printable } from '../printable.ts';
import { counted } from '../text.ts';

/** Longer values are cut. */
const maxValueChars = 72;
/** Deeper objects are not indented further. */
const maxIndentedDepth = 30;

/** One line for each object: its place, kind and value, and its flag or what it refers to. */
export function outlineText(objects: readonly OutlinedObject[]): string {
  const count = (field: 'flag' | 'refersTo') => objects.filter((one) => one[field] !== undefined).length;
  const [flags, references] = [counted(count('flag'), 'flag'), counted(count('refersTo'), 'reference')];
  const lines = objects.map((one) => {
    const indent = '  '.repeat(Math.min(one.depth, maxIndentedDepth));
    const flag = one.flag === undefined ? '' : ` [flag ${one.flag}]`;
    const reference = one.refersTo === undefined ? '' : ` [refers to ${one.refersTo}]`;
    return `${indent}${printable(`${one.place}: ${one.kind}${shortened(one)}`)}${flag}${reference}\n`;
  });
  return `objects       ${objects.length}, ${flags}, ${references}\n${lines.join('')}`;
}

function shortened({ kind, value }: OutlinedObject): string {
  if (value === undefined || value === '') return '';
  if (['tuple', 'list', 'set', 'frozenset'].includes(kind)) return ` of ${value}`;
  return value.length <= maxValueChars
    ? ` ${value}`
    : ` ${value.slice(0, maxValueChars)}… (${value.length} characters)`;
}

/** How two pycs differ, and whether they differ after normalization. */
export interface PycComparison {
  readonly first: string;
  readonly second: string;
  /** Undefined if the pycs are byte-for-byte identical. The difference after normalization, if there is one. */
  readonly difference: Difference | undefined;
  readonly headerDifference: Difference | undefined;
  /** Whether both have the same normalized code; undefined if one cannot be normalized. */
  readonly isSameInNormalForm: boolean | undefined;
}

/** The first difference of two pycs in words, and that of their headers. */
export function comparisonText(comparison: PycComparison): string {
  const { difference, headerDifference, isSameInNormalForm } = comparison;
  if (difference === undefined) return 'the pycs are byte-for-byte identical\n';
  const lines = linesOf(difference, comparison);
  if (headerDifference !== undefined && headerDifference !== difference) {
    lines.push(...linesOf(headerDifference, comparison));
  }
  const normal = { true: 'the same', false: 'different code', undefined: 'not available for both' };
  return [...lines, `in normal form: ${normal[`${isSameInNormalForm}`]}`]
    .map((line) => `${printable(line)}\n`)
    .join('');
}

function linesOf({ place, what, first, second }: Difference, pycs: PycComparison): string[] {
  const shown = (value: string) =>
    value.length <= maxValueChars ? value : aroundDifference(value, value === first ? second : first);
  return [
    `first difference: ${place}: ${what}`,
    `  ${shown(first)}  in ${pycs.first}`,
    `  ${shown(second)}  in ${pycs.second}`,
  ];
}

/** The part of a long value where it differs from another. */
function aroundDifference(value: string, other: string): string {
  let at = 0;
  while (at < value.length && value[at] === other[at]) at += 1;
  const start = Math.max(0, at - maxValueChars / 2);
  const end = start + maxValueChars;
  return `${start > 0 ? '…' : ''}${value.slice(start, end)}${end < value.length ? '…' : ''}`;
}
