import { getOrAdd } from '../get-or-add.ts';
import type { CodeLayout } from '../pyc/releases.ts';
import type { DistinctObjects } from './distinct-objects.ts';
import { isContainer, isString, marshalType } from './types.ts';
import { brokenValue } from './value-rules.ts';

/** What the fields of a code object have to be. */
const bytesFields = ['code', 'localspluskinds', 'linetable', 'lnotab', 'exceptiontable'];
const namesFields = ['names', 'varnames', 'freevars', 'cellvars', 'localsplusnames'];
const stringFields = ['filename', 'name', 'qualname'];

/** What there is to know of a layout, worked out once. */
interface Fields {
  /** The fields of a code object that are objects, in their order, and what type each has to be of. */
  readonly rules: readonly { readonly name: string; readonly isRight: (type: number) => boolean }[];
  /** At which places the tuples of names are. */
  readonly names: readonly number[];
  /** At which place a field is, among the objects or the numbers; undefined if this release has no such field. */
  readonly child: Readonly<Record<string, number | undefined>>;
  readonly number: Readonly<Record<string, number | undefined>>;
}

const fieldsByLayout = new Map<CodeLayout, Fields>();

function fieldsOf(layout: CodeLayout): Fields {
  return getOrAdd(fieldsByLayout, layout, () => {
    const children = [...layout.objects, ...layout.tail];
    return {
      rules: children.map((name) => ({
        name,
        isRight: bytesFields.includes(name) ? isBytes : stringFields.includes(name) ? isString : isTuple,
      })),
      names: namesFields.map((name) => children.indexOf(name)).filter((index) => index >= 0),
      child: Object.fromEntries(children.map((name, i) => [name, i])),
      number: Object.fromEntries(layout.numbers.map((name, i) => [name, i])),
    };
  });
}

/** Of `co_flags`: the function takes `*args`, `**kwargs`. @see Include/cpython/code.h */
const [varArgs, varKeywords] = [0x04, 0x08];
/** Of `localspluskinds`: CO_FAST_LOCAL. @see Include/internal/pycore_code.h */
const fastLocal = 0x20;
/**
 * The first of the instructions that debuggers and profilers put into running code; all higher numbers are such too. The
 * compiler writes none of them. Some crash Python 3.12 and later if a pyc has them.
 * @see MIN_INSTRUMENTED_OPCODE in Include/opcode_ids.h
 */
const firstInstrumented = 234;

/**
 * Why an interpreter that reads the objects of a pyc, whole as they are, does not accept them.
 * @param objects of `bytes`
 * @see _PyCode_Validate in Objects/codeobject.c, r_object in Python/marshal.c
 */
export function brokenRule(objects: DistinctObjects, bytes: Buffer, layout: CodeLayout): string | undefined {
  const rules = new CodeRules(objects, bytes, layout);
  for (let object = 0; object < objects.types.length; object++) {
    const broken = rules.brokenBy(object);
    if (broken !== undefined) return broken;
  }
  return undefined;
}

class CodeRules {
  readonly #objects: DistinctObjects;
  readonly #bytes: Buffer;
  readonly #layout: CodeLayout;
  readonly #fields: Fields;
  /** By object: 1 if it has a hash. Children come before their parents. */
  readonly #hashable: Uint8Array;

  constructor(objects: DistinctObjects, bytes: Buffer, layout: CodeLayout) {
    this.#objects = objects;
    this.#bytes = bytes;
    this.#layout = layout;
    this.#fields = fieldsOf(layout);
    this.#hashable = new Uint8Array(objects.types.length).fill(1);
  }

  /** Why an object is not accepted. To be asked in order. */
  brokenBy(object: number): string | undefined {
    const type = this.#objects.types.at(object);
    if (type === marshalType.code || isContainer(type)) return this.#brokenByChildren(object, type);
    return brokenValue(type, this.#bytes, this.#objects.offsets.at(object), this.#objects.sizes.at(object));
  }

  #brokenByChildren(object: number, type: number): string | undefined {
    const hasHashes = this.#haveHashes(object, 1);
    if (!hasHashes || type === list || type === dict || type === set) this.#hashable[object] = 0;
    if (type === marshalType.code) return this.#brokenByCode(object);
    if (hasHashes) return undefined;
    if (type === set || type === marshalType.frozenset) return 'a set with an element that has no hash';
    const isDict = type === dict || type === marshalType.frozendict;
    return isDict && !this.#haveHashes(object, 2) ? 'a dict with a key that has no hash' : undefined;
  }

  /** Whether all children have a hash, or of pairs of children the first ones. */
  #haveHashes(object: number, step: 1 | 2): boolean {
    const count = this.#objects.childCount(object);
    for (let i = 0; i < count; i += step) if (this.#hashable[this.#objects.child(object, i)] === 0) return false;
    return true;
  }

  #brokenByCode(object: number): string | undefined {
    const { types } = this.#objects;
    const { rules, names } = this.#fields;
    for (let i = 0; i < rules.length; i++) {
      const { name, isRight } = rules[i] as Fields['rules'][number];
      if (!isRight(types.at(this.#objects.child(object, i)))) return `a code object whose ${name} is of a wrong type`;
    }
    for (const index of names) {
      const field = this.#objects.child(object, index);
      const count = this.#objects.childCount(field);
      for (let i = 0; i < count; i++) {
        if (isString(types.at(this.#objects.child(field, i)))) continue;
        return `a code object whose ${rules[index]?.name} has what is no string`;
      }
    }
    return this.#brokenByNumbers(object) ?? this.#brokenByInstructions(object);
  }

  #brokenByNumbers(object: number): string | undefined {
    const { numbers } = this.#layout;
    for (let i = 0; i < numbers.length; i++) {
      if (this.#number(object, i) < 0) return `a code object whose ${numbers[i]} is negative`;
    }
    const { argcount, posonlyargcount, kwonlyargcount, flags } = this.#fields.number;
    const positional = this.#number(object, argcount);
    if (positional < this.#number(object, posonlyargcount)) return 'a code object with too many positional arguments';
    const flag = this.#number(object, flags);
    const starred = ((flag & varArgs) === 0 ? 0 : 1) + ((flag & varKeywords) === 0 ? 0 : 1);
    const isCovered = positional + this.#number(object, kwonlyargcount) + starred <= this.#countLocals(object);
    return isCovered ? undefined : 'a code object with more arguments than names';
  }

  #number(object: number, index: number | undefined): number {
    return index === undefined ? 0 : this.#bytes.readInt32LE(this.#objects.offsets.at(object) + 1 + 4 * index);
  }

  /** How many names are local variables. */
  #countLocals(object: number): number {
    const varnames = this.#field(object, 'varnames');
    if (varnames !== undefined) return this.#objects.childCount(varnames);
    const kinds = this.#field(object, 'localspluskinds') ?? 0;
    const offset = this.#objects.offsets.at(kinds);
    const end = offset + this.#objects.sizes.at(kinds);
    let count = 0;
    for (let i = offset + 5; i < end; i++) if (((this.#bytes[i] as number) & fastLocal) !== 0) count += 1;
    return count;
  }

  /** Checks the instructions of Python 3.11 and later. Older code has no `localspluskinds`, and is not checked. */
  #brokenByInstructions(object: number): string | undefined {
    const kinds = this.#field(object, 'localspluskinds');
    if (kinds === undefined) return undefined;
    const names = this.#objects.childCount(this.#field(object, 'localsplusnames') ?? 0);
    if (this.#objects.sizes.at(kinds) - 5 !== names) {
      return 'a code object with another number of names than of kinds of them';
    }
    const code = this.#field(object, 'code') ?? 0;
    const offset = this.#objects.offsets.at(code);
    const end = offset + this.#objects.sizes.at(code);
    if ((end - offset - 5) % 2 === 1) return 'a code object with half an instruction';
    for (let i = offset + 5; i < end; i += 2) {
      if ((this.#bytes[i] as number) >= firstInstrumented)
        return 'an instruction that only a running interpreter writes';
    }
    return undefined;
  }

  #field(object: number, name: string): number | undefined {
    const index = this.#fields.child[name];
    return index === undefined ? undefined : this.#objects.child(object, index);
  }
}

const { list, dict, set } = marshalType;

function isBytes(type: number): boolean {
  return type === marshalType.bytes;
}

function isTuple(type: number): boolean {
  return type === marshalType.tuple || type === marshalType.smallTuple;
}
