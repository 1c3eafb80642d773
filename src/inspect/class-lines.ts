import { isString, marshalType, textOf } from '../marshal/types.ts';
import type { MarshalNode } from './tree.ts';
import { firstLineOf } from './words.ts';

/** The body of a class that sets `__firstlineno__`. */
interface ClassBody {
  /** The line, if it is a constant: since 3.14 a small one is in an instruction. */
  readonly constant: MarshalNode | undefined;
  readonly instructions: MarshalNode;
  /** The instructions, without the line. */
  readonly bytes: Buffer;
}

/**
 * The nodes of a code object that differ from another's only because both are bodies of a class that moved. Since Python
 * 3.13 they begin with `__module__`, `__qualname__` and `__firstlineno__`.
 */
export function movedWithClass(a: MarshalNode, b: MarshalNode): readonly MarshalNode[] {
  const [first, second] = [classBody(a), classBody(b)];
  if (first === undefined || second === undefined) return [];
  return [
    ...(first.constant !== undefined && second.constant !== undefined ? [first.constant] : []),
    ...(first.bytes.equals(second.bytes) ? [first.instructions] : []),
  ];
}

function classBody(code: MarshalNode): ClassBody | undefined {
  const { bytes, layout } = code;
  const field = (name: string) => code.children[layout.objects.indexOf(name)] as MarshalNode;
  const [, , , name] = field('names').target.children.map(({ target }) => target);
  if (name === undefined || !isString(name.type) || textOf(bytes, name) !== '__firstlineno__') return undefined;
  const line = firstLineOf(code);
  const [instructions, constant] = [field('code'), field('consts').target.children[1]];
  const isLine = constant?.target.type === marshalType.int && bytes.readInt32LE(constant.target.offset + 1) === line;
  const { offset, sizeBytes } = instructions.target;
  return {
    constant: isLine ? constant : undefined,
    instructions,
    bytes: withoutLine(bytes.subarray(offset + 5, offset + sizeBytes), line),
  };
}

/** LOAD_NAME 0, STORE_NAME 1, LOAD_CONST 0, STORE_NAME 2, the line, STORE_NAME 3: opcodes differ by release. */
const storedNames = [0, 1, 0, 2, undefined, 3];

function withoutLine(instructions: Buffer, line: number): Buffer {
  const copy = Buffer.from(instructions);
  for (let at = 0; at + 12 <= copy.length; at += 2) {
    if (!storedNames.every((name, i) => name === undefined || copy[at + 2 * i + 1] === name)) continue;
    const isConstant = copy[at + 8] === copy[at + 4];
    if (!isConstant && copy[at + 9] === line) copy[at + 9] = 0;
    break;
  }
  return copy;
}
