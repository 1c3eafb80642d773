import { type Difference, firstDifference } from './first-difference.ts';
import { readPycTree } from './outline.ts';

/** How the code of a pyc is not what its source compiles to. */
export interface CodeDifference extends Difference {
  /** Only instructions and tables differ: other patch releases of one compiler may write others. */
  readonly isOfInstructions: boolean;
}

/** The fields of code objects that compilers of one magic number may fill differently. */
const ofInstructions: ReadonlySet<string> = new Set(['stacksize', 'instructions', 'line table', 'exception table']);

/**
 * How the code of two pycs differs. Both are in normal form, and of one magic number.
 * @returns the first difference that no patch release explains, else the first one; undefined if there is none
 */
export function codeDifference(one: Buffer, other: Buffer, magicNumber: number): CodeDifference | undefined {
  const [first, second] = [readPycTree(one, magicNumber), readPycTree(other, magicNumber)];
  if ('unreadable' in first || 'unreadable' in second) return undefined;
  const telling = firstDifference(first, second, ofInstructions);
  if (telling !== undefined) return { ...telling, isOfInstructions: false };
  const any = firstDifference(first, second);
  return any && { ...any, isOfInstructions: true };
}
