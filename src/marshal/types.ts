/**
 * The types of objects in a marshalled value, as CPython 3.6 to 3.15 write them.
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
  frozendict: 0x7d,
  set: 0x3c,
  frozenset: 0x3e,
  code: 0x63,
  slice: 0x3a,
  reference: 0x72,
} as const;

/** Set in a type byte: later references may point to this object. */
export const flagRef = 0x80;

/** Whether a type byte gives its object a number for references. Python ignores the flag on other types. */
export function isNumbered(typeByte: number): boolean {
  const type = typeByte & ~flagRef;
  return typeByte !== type && type !== marshalType.reference && singletons[type] === 0;
}

/** The types of strings, not interned and interned. */
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

/** Whether an object contains other objects; code objects excepted. */
export function isContainer(type: number): boolean {
  return containers[type] !== 0;
}

/** Whether such an object is immutable; code objects excepted. */
export function isImmutableContainer(type: number): boolean {
  return immutableContainers[type] !== 0;
}

/** Whether an object is a type byte only, which references cannot point to. */
export function isSingleton(type: number): boolean {
  return singletons[type] !== 0;
}

const { tuple, smallTuple, list, dict, frozendict, set, frozenset, slice } = marshalType;
const immutableContainers = tableOf([tuple, smallTuple, frozenset, slice]);
const containers = tableOf([tuple, smallTuple, frozenset, slice, list, dict, frozendict, set]);
const { null: end, none, false: no, true: yes, stopIteration, ellipsis } = marshalType;
const singletons = tableOf([end, none, no, yes, stopIteration, ellipsis]);

function tableOf(types: readonly number[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const type of types) table[type] = 1;
  return table;
}

/** The type of a string if interned, or if not. */
export function stringType(type: number, interned: boolean): number {
  return (interned ? internedOf[type] : plainOf[type]) as number;
}

/**
 * Whether the compiler interns a string constant: it contains only name characters.
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

/** The text of a string. Keeps Python's lone surrogates, which stand for bytes that are not UTF-8. */
export function textOf(
  bytes: Buffer,
  { type, offset, sizeBytes }: { readonly type: number; readonly offset: number; readonly sizeBytes: number },
): string {
  const isShort = type === marshalType.shortAscii || type === marshalType.shortAsciiInterned;
  const text = bytes.subarray(offset + (isShort ? 2 : 5), offset + sizeBytes);
  if (!text.includes(0xed)) return text.toString();
  const parts = text.toString('latin1').split(/(\xed[\xa0-\xbf][\x80-\xbf])/);
  return parts.map((part, i) => (i % 2 === 0 ? Buffer.from(part, 'latin1').toString() : surrogateOf(part))).join('');
}

/** The surrogate that three bytes stand for. @see the error handler surrogatepass of Python */
function surrogateOf(latin1: string): string {
  return String.fromCharCode(0xd000 | ((latin1.charCodeAt(1) & 0x3f) << 6) | (latin1.charCodeAt(2) & 0x3f));
}
