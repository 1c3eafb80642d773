import { isContainer, isInterned, isString, marshalType, textOf } from '../marshal/types.ts';
import type { MarshalNode } from './tree.ts';

const kinds: Readonly<Record<number, string>> = {
  [marshalType.null]: 'end of the dict',
  [marshalType.none]: 'None',
  [marshalType.false]: 'False',
  [marshalType.true]: 'True',
  [marshalType.stopIteration]: 'StopIteration',
  [marshalType.ellipsis]: 'Ellipsis',
  [marshalType.int]: 'int',
  [marshalType.int64]: 'int',
  [marshalType.long]: 'int',
  [marshalType.float]: 'float',
  [marshalType.binaryFloat]: 'float',
  [marshalType.complex]: 'complex',
  [marshalType.binaryComplex]: 'complex',
  [marshalType.bytes]: 'bytes',
  [marshalType.tuple]: 'tuple',
  [marshalType.smallTuple]: 'tuple',
  [marshalType.list]: 'list',
  [marshalType.dict]: 'dict',
  [marshalType.frozendict]: 'frozendict',
  [marshalType.set]: 'set',
  [marshalType.frozenset]: 'frozenset',
  [marshalType.code]: 'code',
  [marshalType.slice]: 'slice',
  [marshalType.reference]: 'reference',
};

/** The type of an object in Python's terms. For strings, also whether it is interned. */
export function kindOf(type: number): string {
  if (isString(type)) return isInterned(type) ? 'interned str' : 'str';
  return kinds[type] ?? 'unknown';
}

/** The value of an object in one line: `'text'`, `42`, hexadecimal digits; for a container, its size. */
export function valueText(node: MarshalNode): string | undefined {
  const { bytes, type, offset, sizeBytes, children } = node;
  if (isString(type)) return JSON.stringify(textOf(bytes, node));
  if (isContainer(type)) return `${children.length}`;
  switch (type) {
    case marshalType.int:
      return String(bytes.readInt32LE(offset + 1));
    case marshalType.binaryFloat:
      return String(bytes.readDoubleLE(offset + 1));
    case marshalType.bytes:
      return bytes.toString('hex', offset + 5, offset + sizeBytes);
    default:
      return sizeBytes > 1 && type !== marshalType.code
        ? bytes.toString('hex', offset + 1, offset + sizeBytes)
        : undefined;
  }
}

/** Names of the fields of a code object, and of their elements. */
const parts: Readonly<Record<string, readonly [whole: string, element: string]>> = {
  code: ['instructions', ''],
  consts: ['constants', 'constant'],
  names: ['names', 'name'],
  varnames: ['variables', 'variable'],
  freevars: ['free variables', 'free variable'],
  cellvars: ['cell variables', 'cell variable'],
  localsplusnames: ['variables', 'variable'],
  localspluskinds: ['kinds of variables', ''],
  filename: ['file name', ''],
  name: ['own name', ''],
  qualname: ['qualified name', ''],
  lnotab: ['line table', ''],
  linetable: ['line table', ''],
  exceptiontable: ['exception table', ''],
};

/** The place of an object. */
export interface ObjectPlace {
  /** The names of the code objects around it: `<module>.Shop.pay`. */
  readonly code: string;
  /** The place in the innermost code object: `constant 3, element 0`; empty for the code object itself. */
  readonly inside: string;
  /** The word for a child. */
  readonly element: string;
}

/** The place of the module's code object. */
export function rootPlace(root: MarshalNode): ObjectPlace {
  return ofCode(root, '') ?? { code: '', inside: 'value', element: 'element' };
}

/** The place of a child. */
export function childPlace(parent: MarshalNode, place: ObjectPlace, index: number): ObjectPlace {
  const { layout } = parent;
  const ofChild = ofCode(parent.children[index] as MarshalNode, place.code);
  if (ofChild !== undefined) return ofChild;
  if (parent.type === marshalType.code) {
    const [inside, element] = parts[[...layout.objects, ...layout.tail][index] ?? ''] ?? ['', ''];
    return { code: place.code, inside, element };
  }
  const isOfPart = place.element !== 'element' && place.element !== '';
  const inside = isOfPart ? `${place.element} ${index}` : `${place.inside}, element ${index}`;
  return { code: place.code, inside, element: 'element' };
}

function ofCode({ bytes, layout, type, children }: MarshalNode, outer: string): ObjectPlace | undefined {
  if (type !== marshalType.code) return undefined;
  const name = (children[layout.objects.indexOf('name')] as MarshalNode).target;
  const own = isString(name.type) ? textOf(bytes, name) : '?';
  return { code: outer === '' ? own : `${outer}.${own}`, inside: '', element: '' };
}

/** A place as text: `<module>.Shop.pay: constant 3`. */
export function placeText({ code, inside }: ObjectPlace): string {
  return [code, inside].filter((part) => part !== '').join(': ');
}

/** The number of the first line of a code object. */
export function firstLineOf({ bytes, layout, children }: MarshalNode): number {
  return bytes.readInt32LE((children[layout.objects.length] as MarshalNode).offset - 4);
}

/** An object in words: `str "paid"`. */
export function inWords(node: MarshalNode): string {
  const value = valueText(node);
  return value === undefined ? kindOf(node.type) : `${kindOf(node.type)} ${value}`;
}
