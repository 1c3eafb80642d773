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
