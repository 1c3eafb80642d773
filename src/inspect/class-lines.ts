import { getOrAdd } from '../get-or-add.ts';
import { isString, marshalType, textOf } from '../marshal/types.ts';
import type { MarshalNode } from './tree.ts';
import { firstLineOf } from './words.ts';

/** The code of a class body that stores its line in `__firstlineno__`. */
interface ClassBody {
  readonly constants: readonly MarshalNode[];
  readonly instructions: Buffer;
  readonly loadConst: number;
  /** Where the instruction that loads this line is, in bytes. */
  readonly lineAt: number;
  /** The index of the constant with this line. Undefined if the instruction contains it, as a small one since 3.14. */
  readonly line: number | undefined;
}

/**
 * Makes two class bodies comparable that differ in the line of the class. The line may be a constant, or equal another
 * constant of the body, so that all later constants have other indexes.
 * @returns the second body, with the line of the first and its indexes of constants; unchanged if the two do not load
 *   their constants in the same places
 */
export function withLineOf(a: MarshalNode, b: MarshalNode): MarshalNode {
  const [first, second] = [classBody(a), classBody(b)];
  if (first === undefined || second?.lineAt !== first.lineAt) return b;
  const instructions = Buffer.from(second.instructions);
  // The index of the same constant in the other body.
  const [inFirst, inSecond] = [new Map<number, number>(), new Map<number, number>()];
  for (let at = 0; at < instructions.length; at += 2) {
    const [opcode, own, its] = [instructions[at], instructions[at + 1] as number, first.instructions[at + 1] as number];
    if (at === first.lineAt) first.instructions.copy(instructions, at, at, at + 2);
    else if (opcode === first.instructions[at] && loadsConstant(opcode, second)) {
      if (getOrAdd(inFirst, own, () => its) !== its || getOrAdd(inSecond, its, () => own) !== own) return b;
      instructions[at + 1] = its;
    }
  }
  const ofSecond = (own: MarshalNode, i: number) =>
    i === first.line && !inSecond.has(i) ? own : (second.constants[inSecond.get(i) ?? i] ?? own);
  const [code, constants, ...others] = b.children as [MarshalNode, MarshalNode];
  const { offset } = code.target;
  const bytes = Buffer.concat([code.target.bytes.subarray(offset, offset + 5), instructions]);
  return changed(b, {
    children: [
      changed(code.target, { bytes, offset: 0, sizeBytes: bytes.length }),
      changed(constants.target, { children: first.constants.map(ofSecond) }),
      ...others,
    ],
  });
}

function changed(node: MarshalNode, changes: Partial<MarshalNode>): MarshalNode {
  const copy = { ...node, ...changes };
  return Object.assign(copy, { target: copy });
}

/** Only 3.13 has RETURN_CONST: in its pycs LOAD_CONST is 83. */
function loadsConstant(opcode: number | undefined, { loadConst }: ClassBody): boolean {
  return opcode === loadConst || (opcode === 103 && loadConst === 83);
}

/** LOAD_NAME 0, STORE_NAME 1, LOAD_CONST 0, STORE_NAME 2, the line, STORE_NAME 3: opcodes differ by release. */
const storedNames = [0, 1, 0, 2, undefined, 3];

/** Since Python 3.13 a body begins with `__module__`, `__qualname__` and `__firstlineno__`. */
function classBody(code: MarshalNode): ClassBody | undefined {
  const { bytes, layout, children } = code;
  const [{ offset, sizeBytes }, { children: constants }] = [0, 1].map((i) => (children[i] as MarshalNode).target) as [
    MarshalNode,
    MarshalNode,
  ];
  const name = children[layout.objects.indexOf('names')]?.target.children[3]?.target;
  if (name === undefined || !isString(name.type) || textOf(bytes, name) !== '__firstlineno__') return undefined;
  const instructions = bytes.subarray(offset + 5, offset + sizeBytes);
  for (let at = 0; at + 12 <= instructions.length; at += 2) {
    if (!storedNames.every((one, i) => one === undefined || instructions[at + 2 * i + 1] === one)) continue;
    const [lineAt, loadConst, value] = [at + 8, instructions[at + 4] as number, instructions[at + 9] as number];
    const line = instructions[lineAt] === loadConst ? value : undefined;
    const constant = line === undefined ? undefined : constants[line]?.target;
    const found =
      constant === undefined ? value : constant.type === marshalType.int && bytes.readInt32LE(constant.offset + 1);
    return found === firstLineOf(code) ? { constants, instructions, loadConst, lineAt, line } : undefined;
  }
  return undefined;
}
