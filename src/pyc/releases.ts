/** How a release marshals code: the order of a code object's fields, and which objects it shares. */
export interface CodeLayout {
  /** The numbers before the first object, four bytes each. */
  readonly numbers: readonly string[];
  /** The objects before the first line number. */
  readonly objects: readonly string[];
  /** The objects after the first line number. */
  readonly tail: readonly string[];
  /** Whether the compiler shares equal strings in a whole module; otherwise only in a function. */
  readonly sharesStrings: boolean;
}

/** What pyclink knows about a minor release of Python. Free-threaded builds share it. */
export interface Release {
  /** `CPython 3.11`; undefined for releases that pyclink does not know. */
  readonly name: string | undefined;
  /** The lowest magic number, that of the first pre-release. */
  readonly firstMagicNumber: number;
  /** 16 since PEP 552, 12 before. */
  readonly headerSizeBytes: 12 | 16;
  /** Whether its line tables can contain columns. @see PEP 657 */
  readonly hasColumns?: true;
  /** The rounds of SipHash in a source hash. @see `_Py_KeyedHash` in Python/pyhash.c */
  readonly hashRounds: { readonly word: number; readonly end: number };
  /** Facts about the final releases. Without it pyclink reads only headers. */
  readonly final?: FinalRelease;
}

/** What pyclink knows about the final releases of a minor release, which share one magic number. */
interface FinalRelease {
  readonly magicNumber: number;
  readonly codeLayout: CodeLayout;
  /** Set if the tests cover the proof that two levels have the same code. Without it, every level is compiled. */
  readonly levelProof?: LevelProof;
}

/** What the proof in levels.py needs to know about a release. */
export interface LevelProof {
  /** The bit in co_flags of functions with a docstring; 0 if their first constant is the docstring. */
  readonly docstringFlag: number;
}

const oldObjects = ['code', 'consts', 'names', 'varnames', 'freevars', 'cellvars', 'filename', 'name'];
const layout36: CodeLayout = {
  numbers: ['argcount', 'kwonlyargcount', 'nlocals', 'stacksize', 'flags'],
  objects: oldObjects,
  tail: ['lnotab'],
  sharesStrings: false,
};
const layout38: CodeLayout = {
  numbers: ['argcount', 'posonlyargcount', 'kwonlyargcount', 'nlocals', 'stacksize', 'flags'],
  objects: oldObjects,
  tail: ['lnotab'],
  sharesStrings: true,
};
const layout310: CodeLayout = { ...layout38, tail: ['linetable'] };
const layout311: CodeLayout = {
  numbers: ['argcount', 'posonlyargcount', 'kwonlyargcount', 'stacksize', 'flags'],
  objects: ['code', 'consts', 'names', 'localsplusnames', 'localspluskinds', 'filename', 'name', 'qualname'],
  tail: ['linetable', 'exceptiontable'],
  sharesStrings: true,
};

const before37 = { headerSizeBytes: 12, hashRounds: { word: 2, end: 4 } } as const;
const before311 = { headerSizeBytes: 16, hashRounds: { word: 2, end: 4 } } as const;
const since311 = { headerSizeBytes: 16, hasColumns: true, hashRounds: { word: 1, end: 3 } } as const;

const firstConstant: LevelProof = { docstringFlag: 0 };
/** CO_HAS_DOCSTRING in Include/cpython/code.h. */
const flag314: LevelProof = { docstringFlag: 0x400_0000 };

/** A release of CPython that is out. */
function cpython(
  version: string,
  firstMagicNumber: number,
  format: Pick<Release, 'headerSizeBytes' | 'hashRounds' | 'hasColumns'>,
  magicNumber: number,
  codeLayout: CodeLayout,
  levelProof: LevelProof,
): Release {
  return { name: `CPython ${version}`, firstMagicNumber, ...format, final: { magicNumber, codeLayout, levelProof } };
}

/**
 * Sorted by first magic number. The alphas of 3.7 without PEP 552 count as 3.6.
 * @see Include/internal/pycore_magic_number.h, Lib/importlib/_bootstrap_external.py, Python/marshal.c
 */
const releases: readonly Release[] = [
  { name: 'PyPy3', firstMagicNumber: 0, ...before37 },
  { name: 'PyPy3', firstMagicNumber: 224, ...before311 },
  { name: undefined, firstMagicNumber: 1000, ...before37 },
  cpython('3.6', 3360, before37, 3379, layout36, firstConstant),
  cpython('3.7', 3392, before311, 3394, layout36, firstConstant),
  cpython('3.8', 3400, before311, 3413, layout38, firstConstant),
  cpython('3.9', 3420, before311, 3425, layout38, firstConstant),
  cpython('3.10', 3430, before311, 3439, layout310, firstConstant),
  cpython('3.11', 3450, since311, 3495, layout311, firstConstant),
  cpython('3.12', 3500, since311, 3531, layout311, firstConstant),
  cpython('3.13', 3550, since311, 3571, layout311, firstConstant),
  cpython('3.14', 3600, since311, 3627, layout311, flag314),
  cpython('3.15', 3650, since311, 3666, layout311, flag314),
  { name: undefined, firstMagicNumber: 3700, ...since311 },
];

/** The release that writes a magic number. Future magic numbers count as the newest release. */
export function releaseOf(magicNumber: number): Release {
  return releases.findLast(({ firstMagicNumber }) => magicNumber >= firstMagicNumber) as Release;
}

/** Whether pyclink knows a release by its name: `CPython 3.11`. */
export function isKnownRelease(name: string): boolean {
  return releases.some((release) => release.name === name);
}

function finalReleaseOf(magicNumber: number): FinalRelease | undefined {
  const { final } = releaseOf(magicNumber);
  return final?.magicNumber === magicNumber ? final : undefined;
}

/** The layout of code objects in pycs with this magic number; undefined if it is not that of a known final release. */
export function codeLayoutOf(magicNumber: number): CodeLayout | undefined {
  return finalReleaseOf(magicNumber)?.codeLayout;
}

/** What the level proof needs to know about an interpreter; undefined if it is not covered. */
export function levelProofOf(magicNumber: number): LevelProof | undefined {
  return finalReleaseOf(magicNumber)?.levelProof;
}
