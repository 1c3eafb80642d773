import { normalizePyc } from '../marshal/normalize-pyc.ts';
import { firstDifference } from './first-difference.ts';
import { type PycTree, readPycTree } from './outline.ts';
import { type Difference, type Ignored, valueComparison } from './value-difference.ts';
import { rootPlace } from './words.ts';

/** How the code of one pyc is not that of another. */
export interface CodeDifference extends Difference {
  /** Only instructions and tables differ: other patch releases of one compiler may write others. */
  readonly isOfInstructions: boolean;
}

/** The fields of code objects that compilers of one magic number may fill differently. */
const ofInstructions: ReadonlySet<string> = new Set(['stacksize', 'instructions', 'line table', 'exception table']);

/** Those, and the lines, which move when something is added above. */
export const ofPlaces: ReadonlySet<string> = new Set([...ofInstructions, 'first line']);

/**
 * How the code of two pycs differs in normal form.
 * @returns the first value that differs and that no patch release explains, but for lines if anything else differs; else
 *   the first value; else which objects are one. Undefined if there is no difference, or one has no normal form, or they are not of one magic number
 */
export function codeDifference(one: Buffer, other: Buffer): CodeDifference | undefined {
  const [first, second] = [normalTree(one), normalTree(other)];
  if (first === undefined || second === undefined || one.readUInt16LE(0) !== other.readUInt16LE(0)) return undefined;
  const place = rootPlace(first.bytes, first.root, first.layout);
  const values = (ignored?: Ignored) => valueComparison(first, second, ignored)(first.root, second.root, place);
  const telling = values({ fields: ofPlaces }) ?? values({ fields: ofInstructions });
  if (telling !== undefined) return { ...telling, isOfInstructions: false };
  const ofInstruction = values();
  if (ofInstruction !== undefined) return { ...ofInstruction, isOfInstructions: true };
  const ofObjects = firstDifference(first, second);
  return ofObjects && { ...ofObjects, isOfInstructions: false };
}

/** The code of a pyc in normal form; undefined if it has none, or too many objects. */
export function normalTree(pyc: Buffer): PycTree | undefined {
  const normal = normalizePyc(pyc);
  if ('unreadable' in normal) return undefined;
  const tree = readPycTree(normal, normal.readUInt16LE(0));
  return 'unreadable' in tree ? undefined : tree;
}
