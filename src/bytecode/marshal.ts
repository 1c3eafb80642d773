/**
 * Reads the structure of a marshalled value as CPython 3.6 to 3.14 write it.
 * @see Python/marshal.c
 */

/** The type byte of each kind of object, without its FLAG_REF. */
export const marshalType = {
  null: 0x30,
  none: 0x4e,
  false: 0x46,
  true: 0x54,
  stopIteration: 0x53,
  ellipsis: 0x2e,
  int: 0x69,
  int64: 0x49,
  float: 0x66,
  binaryFloat: 0x67,
  complex: 0x78,
  binaryComplex: 0x79,
  long: 0x6c,
  bytes: 0x73,
  interned: 0x74,
  unicode: 0x75,
  ascii: 0x61,
  asciiInterned: 0x41,
  shortAscii: 0x7a,
  shortAsciiInterned: 0x5a,
  tuple: 0x28,
  smallTuple: 0x29,
  list: 0x5b,
  dict: 0x7b,
  set: 0x3c,
  frozenset: 0x3e,
  code: 0x63,
  slice: 0x3a,
  reference: 0x72,
} as const;

/** The kinds of strings: as it is, and interned. */
const stringTypes = [
  [marshalType.unicode, marshalType.interned],
  [marshalType.ascii, marshalType.asciiInterned],
  [marshalType.shortAscii, marshalType.shortAsciiInterned],
] as const;
const plainOf = new Uint8Array(256);
const internedOf = new Uint8Array(256);
for (const [plain, interned] of stringTypes) {
  plainOf[plain] = plainOf[interned] = plain;
  internedOf[plain] = internedOf[interned] = interned;
}

export function isString(type: number): boolean {
  return plainOf[type] !== 0;
}

export function isInterned(type: number): boolean {
  return internedOf[type] === type;
}

/** The type of the same string interned, or not. */
export function stringType(type: number, interned: boolean): number {
  return (interned ? internedOf[type] : plainOf[type]) as number;
}

/** Set in a type byte: later references may point to this object. */
export const flagRef = 0x80;

/** What `walkMarshal` and those who build on it say of bytes that they do not read to the end. */
export interface Unreadable {
  readonly unreadable: string;
}

/** How the code objects of an interpreter are laid out. */
export interface CodeLayout {
  /** The numbers before the first object, four bytes each. */
  readonly numbers: readonly string[];
  /** The objects before the number of the first line. */
  readonly objects: readonly string[];
  /** The objects after it. */
  readonly tail: readonly string[];
}

const oldObjects = ['code', 'consts', 'names', 'varnames', 'freevars', 'cellvars', 'filename', 'name'];
const layout36: CodeLayout = {
  numbers: ['argcount', 'kwonlyargcount', 'nlocals', 'stacksize', 'flags'],
  objects: oldObjects,
  tail: ['lnotab'],
};
const layout38: CodeLayout = {
  numbers: ['argcount', 'posonlyargcount', 'kwonlyargcount', 'nlocals', 'stacksize', 'flags'],
  objects: oldObjects,
  tail: ['lnotab'],
};
const layout310: CodeLayout = { ...layout38, tail: ['linetable'] };
const layout311: CodeLayout = {
  numbers: ['argcount', 'posonlyargcount', 'kwonlyargcount', 'stacksize', 'flags'],
  objects: ['code', 'consts', 'names', 'localsplusnames', 'localspluskinds', 'filename', 'name', 'qualname'],
  tail: ['linetable', 'exceptiontable'],
};

/** By the magic number of each final release; what pre-releases wrote is nobody's business any more. */
const layouts: ReadonlyMap<number, CodeLayout> = new Map([
  [3379, layout36],
  [3394, layout36],
  [3413, layout38],
  [3425, layout38],
  [3439, layout310],
  [3495, layout311],
  [3531, layout311],
  [3571, layout311],
  [3627, layout311],
]);

/** The layout of the code objects in pycs with a magic number; undefined if it is not known. */
export function codeLayoutOf(magicNumber: number): CodeLayout | undefined {
  return layouts.get(magicNumber);
}

/** CPython reads no deeper. @see MAX_MARSHAL_STACK_DEPTH */
const maxDepth = 2000;

/** In the place of a number of children: they end with a null. */
const untilNull = -1;

/**
 * Walks through a value, parents before their children, in the order of the bytes. Takes time and memory in proportion
 * to the bytes, whatever they are.
 * @param visit told of each object where its type byte is, how many bytes it takes without its children, and how deep
 *   it lies; the null that ends a dict is an object too
 * @returns why the bytes from `start` on are not one whole value; undefined if they are
 */
export function walkMarshal(
  bytes: Buffer,
  start: number,
  layout: CodeLayout,
  visit: (offset: number, sizeBytes: number, depth: number) => void,
): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length;
  /** How many children of each open object are to come, and how many of a code object's tail after those. */
  const due = new Int32Array(maxDepth + 1);
  const dueInTail = new Int32Array(maxDepth + 1);
  let depth = 0;
  let offset = start;
  due[0] = 1;
  for (;;) {
    while (due[depth] === 0) {
      if (dueInTail[depth] !== 0) {
        offset += 4;
        due[depth] = dueInTail[depth] as number;
        dueInTail[depth] = 0;
      } else if (depth > 0) depth -= 1;
      else return offset === end ? undefined : 'bytes follow the end of the code';
    }
    // Every object has a type byte; where a size follows, it takes one byte or four.
    if (offset >= end) return endsEarly;
    const typeByte = bytes[offset] as number;
    const type = typeByte & ~flagRef;
    let size = 1;
    let children = 0;
    switch (type) {
      case marshalType.null:
        if (due[depth] !== untilNull) return 'a null outside a dict';
        if (typeByte !== type) return uselessFlag;
        due[depth] = 1;
        break;
      case marshalType.none:
      case marshalType.false:
      case marshalType.true:
      case marshalType.stopIteration:
      case marshalType.ellipsis:
        if (typeByte !== type) return uselessFlag;
        break;
      case marshalType.reference:
        if (typeByte !== type) return uselessFlag;
        size = 5;
        break;
      case marshalType.int:
        size = 5;
        break;
      case marshalType.int64:
      case marshalType.binaryFloat:
        size = 9;
        break;
      case marshalType.binaryComplex:
        size = 17;
        break;
      case marshalType.shortAscii:
      case marshalType.shortAsciiInterned:
      case marshalType.float:
        if (offset + 2 > end) return endsEarly;
        size = 2 + (bytes[offset + 1] as number);
        break;
      case marshalType.complex: {
        if (offset + 2 > end) return endsEarly;
        const second = offset + 2 + (bytes[offset + 1] as number);
        if (second >= end) return endsEarly;
        size = second + 1 + (bytes[second] as number) - offset;
        break;
      }
      case marshalType.smallTuple:
        if (offset + 2 > end) return endsEarly;
        size = 2;
        children = bytes[offset + 1] as number;
        break;
      case marshalType.long:
      case marshalType.bytes:
      case marshalType.interned:
      case marshalType.unicode:
      case marshalType.ascii:
      case marshalType.asciiInterned:
      case marshalType.tuple:
      case marshalType.list:
      case marshalType.set:
      case marshalType.frozenset: {
        if (offset + 5 > end) return endsEarly;
        const length = view.getInt32(offset + 1, true);
        if (type === marshalType.long) size = 5 + 2 * Math.abs(length);
        else if (length < 0) return 'a negative size';
        else if (isContainer(type)) {
          size = 5;
          children = length;
        } else size = 5 + length;
        break;
      }
      case marshalType.dict:
        children = untilNull;
        break;
      case marshalType.code:
        size = 1 + 4 * layout.numbers.length;
        children = layout.objects.length;
        break;
      case marshalType.slice:
        children = 3;
        break;
      default:
        return `an object of unknown type 0x${typeByte.toString(16)}`;
    }
    if (offset + size + Math.max(children, 0) > end) return endsEarly;
    visit(offset, size, depth);
    offset += size;
    if (due[depth] !== untilNull) (due[depth] as number) -= 1;
    if (children !== 0) {
      if (depth === maxDepth) return 'nested too deep';
      depth += 1;
      due[depth] = children;
      dueInTail[depth] = type === marshalType.code ? layout.tail.length : 0;
    }
  }
}

/**
 * Whether the compiler interns a string even where it is no name, because of its characters.
 * @see all_name_chars in Objects/codeobject.c
 */
export function isNameText(bytes: Buffer, offset: number, sizeBytes: number): boolean {
  const type = (bytes[offset] as number) & ~flagRef;
  if (type === marshalType.unicode || type === marshalType.interned) return false;
  const isShort = type === marshalType.shortAscii || type === marshalType.shortAsciiInterned;
  const end = offset + sizeBytes;
  for (let i = offset + (isShort ? 2 : 5); i < end; i++) if (nameBytes[bytes[i] as number] === 0) return false;
  return true;
}

const nameBytes = Uint8Array.from({ length: 256 }, (_, byte) => (/\w/.test(String.fromCharCode(byte)) ? 1 : 0));

const endsEarly = 'ends within the code';
const uselessFlag = 'a flag on an object that cannot be referred to';

function isContainer(type: number): boolean {
  return (
    type === marshalType.tuple ||
    type === marshalType.list ||
    type === marshalType.set ||
    type === marshalType.frozenset
  );
}
