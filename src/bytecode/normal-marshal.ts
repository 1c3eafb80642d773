import type { CodeLayout } from './code-layout.ts';
import type { Unreadable } from './marshal.ts';
import { type MarshalNode, readMarshalTree } from './marshal-tree.ts';
import { flagRef, isNameText, isString, marshalType, stringType } from './marshal-types.ts';

/** How deep objects may lie in each other once their references are followed. */
const maxDepth = 2000;

/** The same within a frozenset, whose elements are written out from every depth. */
const maxDepthInFrozenset = 200;

/** How many times the size of the whole the frozensets in it may have, written out with what they refer to. */
const maxExpansion = 8;

/**
 * Encodes a marshalled value anew, in normal form:
 * - equal strings are one object, interned if it looks like a name: others are interned when the code is loaded;
 * - equal frozensets are one object, their elements sorted by their bytes;
 * - an object has a flag if something refers to it.
 * All of this hangs on the history of the process otherwise: a string that is interned already takes the place of an
 * equal one, which tears objects apart that were one, and a frozenset's elements are sorted by their flags too.
 * @see intern_constants in Objects/codeobject.c, w_complex_object in Python/marshal.c
 */
export function encodeNormal(bytes: Buffer, start: number, layout: CodeLayout): Buffer | Unreadable {
  const root = readMarshalTree(bytes, start, layout);
  if ('unreadable' in root) return root;
  try {
    const encoder = new NormalEncoder(bytes, start, layout);
    const normal = encoder.normal(root);
    countUses(normal, 0);
    encoder.encode(normal);
    return Buffer.from(encoder.written);
  } catch (error) {
    if (error instanceof TooLarge) return { unreadable: error.message };
    throw error;
  }
}

/** By what the elements of a frozenset are sorted: their bytes, as if each had a flag. @param own what follows the type */
export function elementText(type: number, own: string): string {
  return String.fromCharCode(type | flagRef) + own;
}

/** What equal frozensets have in common, and no others. @param elements their texts, sorted */
export function frozensetKey(elements: readonly string[]): string {
  return elements.map((text) => `${text.length} ${text}`).join('');
}

class TooLarge extends Error {}

/** An object with its children in the order in which they are to be written. */
interface NormalNode {
  readonly type: number;
  readonly node: MarshalNode;
  readonly children: readonly NormalNode[];
  /** How often it occurs, as far as it was counted. */
  uses: number;
  /** Its number among the flagged ones, once it is written. */
  index: number | undefined;
}

function countUses(normal: NormalNode, depth: number): void {
  if (depth > maxDepth) throw new TooLarge('nested too deep');
  normal.uses += 1;
  if (normal.uses === 1) for (const child of normal.children) countUses(child, depth + 1);
}

const none: readonly NormalNode[] = [];

/** Where pycs are encoded, one at a time. */
let scratch = Buffer.alloc(0);

class NormalEncoder {
  readonly #bytes: Buffer;
  readonly #layout: CodeLayout;
  readonly #done = new Map<MarshalNode, NormalNode>();
  readonly #strings = new Map<string, NormalNode>();
  readonly #frozensets = new Map<string, NormalNode>();
  readonly #out: Buffer;
  #size: number;
  #flags = 0;
  #budget: number;

  constructor(bytes: Buffer, start: number, layout: CodeLayout) {
    this.#bytes = bytes;
    // A string of two bytes or more may become a reference of five.
    if (scratch.length < 3 * bytes.length) scratch = Buffer.allocUnsafeSlow(4 * bytes.length);
    this.#out = scratch;
    this.#size = bytes.copy(this.#out, 0, 0, start);
    this.#layout = layout;
    this.#budget = maxExpansion * bytes.length;
  }

  /** The normal form of an object. References lead back only, so what they lead to is done already. */
  normal(occurrence: MarshalNode): NormalNode {
    const node = occurrence.target;
    const known = this.#done.get(node);
    if (known !== undefined) return known;
    const normal = isString(node.type)
      ? this.#normalString(node)
      : this.#normalContainer(
          node,
          node.children.length === 0 ? none : node.children.map((child) => this.normal(child)),
        );
    this.#done.set(node, normal);
    return normal;
  }

  #normalString(node: MarshalNode): NormalNode {
    const type = stringType(node.type, isNameText(this.#bytes, node.offset, node.sizeBytes));
    const key = `${type} ${this.#own(node)}`;
    const equal = this.#strings.get(key);
    if (equal !== undefined) return equal;
    const normal = { type, node, children: none, uses: 0, index: undefined };
    this.#strings.set(key, normal);
    return normal;
  }

  #normalContainer(node: MarshalNode, children: readonly NormalNode[]): NormalNode {
    const { type } = node;
    if (type !== marshalType.frozenset) return { type, node, children, uses: 0, index: undefined };
    const elements = children.map((child) => [this.#text(child, 0), child] as const);
    elements.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    const key = frozensetKey(elements.map(([text]) => text));
    const equal = this.#frozensets.get(key);
    if (equal !== undefined) return equal;
    const normal = { type, node, children: elements.map(([, child]) => child), uses: 0, index: undefined };
    this.#frozensets.set(key, normal);
    return normal;
  }

  /** What follows the type byte, a character a byte. */
  #own({ offset, sizeBytes }: MarshalNode): string {
    return this.#bytes.toString('latin1', offset + 1, offset + sizeBytes);
  }

  /** An object written out with all that it refers to, a character a byte; as if everything had a flag. */
  #text({ type, node, children }: NormalNode, depth: number): string {
    this.#budget -= node.sizeBytes;
    if (depth > maxDepthInFrozenset) throw new TooLarge('nested too deep in a frozenset');
    if (this.#budget < 0) throw new TooLarge('frozensets of frozensets without end');
    const parts = children.map((child) => this.#text(child, depth + 1));
    const [start, end] = type === marshalType.code ? this.#firstLine(node) : [0, 0];
    const firstLine = this.#bytes.toString('latin1', start, end);
    return elementText(type, this.#own(node)) + firstLine + parts.join('');
  }

  /** All that was written. */
  get written(): Buffer {
    return this.#out.subarray(0, this.#size);
  }

  /** Writes an object. */
  encode(normal: NormalNode): void {
    const { type, node, children, uses, index } = normal;
    if (index !== undefined) {
      this.#out[this.#size] = marshalType.reference;
      this.#out.writeUInt32LE(index, this.#size + 1);
      this.#size += 5;
    } else {
      if (uses > 1) normal.index = this.#flags++;
      this.#out[this.#size] = type | (uses > 1 ? flagRef : 0);
      this.#size += 1;
      this.#copy(node.offset + 1, node.offset + node.sizeBytes);
      for (const [i, child] of children.entries()) {
        if (type === marshalType.code && i === this.#layout.objects.length) this.#copy(...this.#firstLine(node));
        this.encode(child);
      }
    }
  }

  /** The number of the first line lies in the midst of a code object, before its tail. */
  #firstLine(code: MarshalNode): readonly [start: number, end: number] {
    const { offset } = code.children[this.#layout.objects.length] as MarshalNode;
    return [offset - 4, offset];
  }

  #copy(start: number, end: number): void {
    this.#size += this.#bytes.copy(this.#out, this.#size, start, end);
  }
}
