import { type MarshalNode, readMarshalTree } from '../../src/inspect/tree.ts';
import { isString, marshalType } from '../../src/marshal/types.ts';
import { parsePycHeader } from '../../src/pyc/header.ts';
import { type CodeLayout, codeLayoutOf, releaseOf } from '../../src/pyc/releases.ts';
import { sha256Of } from '../../src/sha256.ts';

/** The SHA-256 of all that the code of a pyc holds, as pyclink reads it. dump-code.py says it as Python reads it. */
export function codeDigest(pyc: Buffer): string {
  const header = parsePycHeader(pyc);
  if ('unreadable' in header) throw new Error(header.unreadable);
  const layout = codeLayoutOf(header.magicNumber) as CodeLayout;
  const tree = readMarshalTree(pyc, releaseOf(header.magicNumber).headerSizeBytes, layout);
  if ('unreadable' in tree) throw new Error(tree.unreadable);
  return sha256Of(Buffer.from(dump(pyc, tree, layout)));
}

const singletons: Readonly<Record<number, string>> = {
  [marshalType.none]: 'None',
  [marshalType.true]: 'True',
  [marshalType.false]: 'False',
  [marshalType.ellipsis]: 'Ellipsis',
};

function dump(pyc: Buffer, occurrence: MarshalNode, layout: CodeLayout): string {
  const { type, offset, sizeBytes, children } = occurrence.target;
  const end = offset + sizeBytes;
  const hex = (start: number) => pyc.toString('hex', start, end);
  const items = () => children.map((child) => dump(pyc, child, layout));
  const singleton = singletons[type];
  if (singleton !== undefined) return singleton;
  if (isString(type)) {
    return `s${hex(offset + (type === marshalType.shortAscii || type === marshalType.shortAsciiInterned ? 2 : 5))}`;
  }
  switch (type) {
    case marshalType.bytes:
      return `b${hex(offset + 5)}`;
    case marshalType.int:
      return `i${pyc.readInt32LE(offset + 1)}`;
    case marshalType.long:
      return `i${longAt(pyc, offset)}`;
    case marshalType.binaryFloat:
      return `f${hex(offset + 1)}`;
    case marshalType.binaryComplex:
      return `c${hex(offset + 1)}`;
    case marshalType.tuple:
    case marshalType.smallTuple:
      return `(${items().join(',')})`;
    case marshalType.frozenset:
      return `{${items().sort().join(',')}}`;
    case marshalType.slice:
      return `[${items().join(',')}]`;
    case marshalType.code:
      return dumpCode(pyc, occurrence.target, layout);
    default:
      throw new Error(`type ${type} in code`);
  }
}

/** Fifteen bits a digit, the sign in their number. */
function longAt(pyc: Buffer, offset: number): bigint {
  const count = pyc.readInt32LE(offset + 1);
  let value = 0n;
  for (let i = Math.abs(count) - 1; i >= 0; i--) value = (value << 15n) | BigInt(pyc.readUInt16LE(offset + 5 + 2 * i));
  return count < 0 ? -value : value;
}

function dumpCode(pyc: Buffer, code: MarshalNode, layout: CodeLayout): string {
  const parts = [...layout.objects, ...layout.tail];
  const child = (name: string) => code.children[parts.indexOf(name)] as MarshalNode;
  const fields = layout.numbers.map((name, i) => [name, `i${pyc.readInt32LE(code.offset + 1 + 4 * i)}`]);
  const tail = code.children[layout.objects.length] as MarshalNode;
  fields.push(['firstlineno', `i${pyc.readInt32LE(tail.offset - 4)}`]);
  const names = layout.objects.includes('localsplusnames') ? localNames(pyc, child, layout) : undefined;
  for (const name of ['names', 'varnames', 'freevars', 'cellvars']) {
    fields.push([name, names?.[name] ?? dump(pyc, child(name), layout)]);
  }
  const rest = ['filename', 'name', 'qualname', 'code', 'lnotab', 'linetable', 'exceptiontable', 'consts'];
  for (const name of rest.filter((one) => parts.includes(one))) fields.push([name, dump(pyc, child(name), layout)]);
  return `<${fields.map((field) => field.join('=')).join(',')}>`;
}

/** Since 3.11 one tuple has the names of all locals, and a string of bytes says of which kind each is. */
function localNames(pyc: Buffer, child: (name: string) => MarshalNode, layout: CodeLayout): Record<string, string> {
  const kinds = child('localspluskinds').target.offset + 5;
  const all = child('localsplusnames').target.children.map((name) => dump(pyc, name, layout));
  const ofKind = (bit: number) => `(${all.filter((_, i) => ((pyc[kinds + i] as number) & bit) !== 0).join(',')})`;
  return { varnames: ofKind(0x20), cellvars: ofKind(0x40), freevars: ofKind(0x80) };
}
