import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import type { MarshalNode } from '../../src/inspect/tree.ts';
import { flagRef, isString, marshalType, stringType } from '../../src/marshal/types.ts';
import type { CodeLayout } from '../../src/pyc/releases.ts';

/** CPython 3.11's. */
export const magicNumber = 3495;

const sized = (type: number, size: number, ...parts: readonly Buffer[]) => {
  const start = Buffer.alloc(5);
  start[0] = type;
  start.writeInt32LE(size, 1);
  return Buffer.concat([start, ...parts]);
};
const many = (type: number) => (items: readonly Buffer[]) => sized(type, items.length, ...items);
const short = (type: number) => (value: string) =>
  Buffer.concat([Buffer.from([type, value.length]), Buffer.from(value, 'latin1')]);

/** Objects as marshal writes them. */
export const marshalled = {
  none: Buffer.from([marshalType.none]),
  null: Buffer.from([marshalType.null]),
  int: (value: number) => sized(marshalType.int, value),
  float: (value: number) => {
    const bytes = Buffer.alloc(9);
    bytes[0] = marshalType.binaryFloat;
    bytes.writeDoubleLE(value, 1);
    return bytes;
  },
  /** A long of no digits is zero. */
  long: (digits: number) => sized(marshalType.long, digits),
  text: short(marshalType.shortAscii),
  interned: short(marshalType.shortAsciiInterned),
  bytes: (value: string) => sized(marshalType.bytes, value.length, Buffer.from(value, 'latin1')),
  tuple: many(marshalType.tuple),
  slice: (...parts: readonly Buffer[]) => Buffer.concat([Buffer.from([marshalType.slice]), ...parts]),
  list: many(marshalType.list),
  frozenset: many(marshalType.frozenset),
  dict: (items: readonly Buffer[]) =>
    Buffer.concat([Buffer.from([marshalType.dict]), ...items, Buffer.from([marshalType.null])]),
  reference: (index: number) => sized(marshalType.reference, index),
  /** A code object of CPython 3.11 with these constants, and one entry in its line table, by default with columns. */
  code: (firstLine: number, constants: Buffer, filename = 'f', lineEntry = 0) => {
    const empty = sized(marshalType.bytes, 0);
    const names = sized(marshalType.tuple, 0);
    const name = short(marshalType.shortAsciiInterned)('f');
    const line = Buffer.alloc(4);
    line.writeInt32LE(firstLine);
    const numbers = Buffer.alloc(20);
    const path = short(marshalType.shortAsciiInterned)(filename);
    const objects = [empty, constants, names, names, empty, path, name, name];
    const lines = sized(marshalType.bytes, 2, Buffer.from([(lineEntry << 3) | 0x80, 0]));
    return Buffer.concat([Buffer.from([marshalType.code]), numbers, ...objects, line, lines, empty]);
  },
  flagged: (object: Buffer) => Buffer.concat([Buffer.from([(object[0] as number) | flagRef]), object.subarray(1)]),
};

/** The least that an interpreter takes for the code of a module. */
export const wholeCode = marshalled.code(1, marshalled.tuple([]));

/** A pyc of CPython 3.11 with this value in it. */
export function pycOf(value: Buffer, magic = magicNumber): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt16LE(magic);
  header.writeUInt16LE(0x0a0d, 2);
  return Buffer.concat([header, value]);
}

/** A pyc with most kinds of objects in it, of a module of this name, as an interpreter writes it. */
export function pycWrittenBy(executable: string, module: string): Buffer {
  const script =
    'import importlib.util, marshal, sys\n' +
    `code = compile("class A:\\n  def f(x, *y, z=1): return x[1:2], {1, 2}, 1.5, 2j, 10**30, b'x', ...", "${module}", "exec")\n` +
    'header = importlib.util.MAGIC_NUMBER + bytes(8 if sys.version_info < (3, 7) else 12)\n' +
    'sys.stdout.buffer.write(header + marshal.dumps(code))';
  return execFileSync(executable, ['-S', '-c', script]);
}

/** What a value means to Python, references followed: flags, interning and the order in frozensets make no difference. */
export function meaningOf(bytes: Buffer, occurrence: MarshalNode, layout: CodeLayout): string {
  const node = occurrence.target;
  const children = node.children.map((child) => meaningOf(bytes, child, layout));
  if (node.type === marshalType.frozenset) children.sort();
  const type = isString(node.type) ? stringType(node.type, false) : node.type;
  const own = bytes.toString('latin1', node.offset + 1, node.offset + node.sizeBytes);
  const tail = node.children[layout.objects.length];
  const firstLine = node.type === marshalType.code && tail !== undefined ? bytes.readInt32LE(tail.offset - 4) : '';
  return `${type} ${own.length} ${own} ${firstLine}(${children.join('')})`;
}

/** A value as it is to be written: what it is, and whether it is flagged; a reference by any number. */
type Draft =
  | { readonly leaf: Buffer; readonly isFlagged: boolean }
  | { readonly kind: 'tuple' | 'list' | 'frozenset'; readonly items: readonly Draft[]; readonly isFlagged: boolean }
  | { readonly refersTo: number };

const text = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 3 });
const leaf = fc.oneof(
  text.map(marshalled.text),
  text.map(marshalled.interned),
  text.map(marshalled.bytes),
  fc.nat(3).map(marshalled.int),
  fc.constant(marshalled.float(Number.NaN)),
);
const { draft } = fc.letrec<{ draft: Draft }>((tie) => ({
  draft: fc.oneof(
    { maxDepth: 5 },
    fc.record({ leaf, isFlagged: fc.boolean() }),
    fc.record({ refersTo: fc.nat() }),
    fc.record({
      kind: fc.constantFrom('tuple', 'list', 'frozenset'),
      items: fc.array(tie('draft'), { maxLength: 5 }),
      isFlagged: fc.boolean(),
    }),
  ),
}));

/** Values with flags and references in all places where they are allowed. */
export const anyMarshalled: fc.Arbitrary<Buffer> = draft.map((value) => {
  const whole: number[] = [];
  let flags = 0;
  const write = (one: Draft): Buffer => {
    if ('refersTo' in one) {
      return whole.length === 0 ? marshalled.none : marshalled.reference(whole[one.refersTo % whole.length] as number);
    }
    const index = one.isFlagged ? flags++ : undefined;
    const bytes = 'leaf' in one ? one.leaf : marshalled[one.kind](one.items.map(write));
    if (index === undefined) return bytes;
    whole.push(index);
    return marshalled.flagged(bytes);
  };
  return write(value);
});
