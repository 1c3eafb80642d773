import { normalizePyc } from '../marshal/normalize-pyc.ts';
import { firstDifference } from './first-difference.ts';
import { type MarshalNode, readPycTree } from './tree.ts';
import { type Difference, type Ignored, valueComparison } from './value-difference.ts';
import { rootPlace } from './words.ts';

/** A difference between the code of two pycs. */
export interface CodeDifference extends Difference {
  /** Only instructions and tables differ: patch releases of the same compiler may do so. */
  readonly isOfInstructions: boolean;
}

/** The fields of code objects that compilers with the same magic number may write differently. */
const ofInstructions: ReadonlySet<string> = new Set(['stacksize', 'instructions', 'line table', 'exception table']);

/** These fields and the lines, which change when something is added above. */
export const ofPlaces: ReadonlySet<string> = new Set([...ofInstructions, 'first line']);

/**
 * Compares the normalized code of two pycs.
 * @returns the first difference, in this order of preference: a value that no patch release explains, ignoring lines;
 *   any value; which objects are shared. Undefined if there is no difference, if one cannot be normalized, or if the
 *   magic numbers differ
 */
export function codeDifference(one: Buffer, other: Buffer): CodeDifference | undefined {
  const [first, second] = [normalTree(one), normalTree(other)];
  if (first === undefined || second === undefined || one.readUInt16LE(0) !== other.readUInt16LE(0)) return undefined;
  const values = (ignored?: Ignored) => valueComparison(ignored)(first, second, rootPlace(first));
  const telling = values({ fields: ofPlaces }) ?? values({ fields: ofInstructions });
  if (telling !== undefined) return { ...telling, isOfInstructions: false };
  const ofInstruction = values();
  if (ofInstruction !== undefined) return { ...ofInstruction, isOfInstructions: true };
  const ofObjects = firstDifference(first, second);
  return ofObjects && { ...ofObjects, isOfInstructions: false };
}

/** The normalized code of a pyc; undefined if it cannot be normalized or has too many objects. */
export function normalTree(pyc: Buffer): MarshalNode | undefined {
  const normal = normalizePyc(pyc);
  if ('unreadable' in normal) return undefined;
  const tree = readPycTree(normal, normal.readUInt16LE(0));
  return 'unreadable' in tree ? undefined : tree;
}
