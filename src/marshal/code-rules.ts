import { isUtf8 } from 'node:buffer';
import type { CodeLayout } from '../pyc/releases.ts';
import type { DistinctObjects } from './distinct-objects.ts';
import { isString, marshalType } from './types.ts';

/** What the fields of a code object have to be. */
const bytesFields = ['code', 'localspluskinds', 'linetable', 'lnotab', 'exceptiontable'];
const namesFields = ['names', 'varnames', 'freevars', 'cellvars', 'localsplusnames'];
const stringFields = ['filename', 'name', 'qualname'];

/** Of `co_flags`: the function takes `*args`, `**kwargs`. @see Include/cpython/code.h */
const [varArgs, varKeywords] = [0x04, 0x08];
/** Of `localspluskinds`: CO_FAST_LOCAL. @see Include/internal/pycore_code.h */
const fastLocal = 0x20;
/** Such instructions end the interpreter that loads them. @see MIN_INSTRUMENTED_OPCODE in Include/opcode_ids.h */
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
  readonly #fields: readonly string[];
  /** By object. Children come before their parents. */
  readonly #hashable: boolean[] = [];

  constructor(objects: DistinctObjects, bytes: Buffer, layout: CodeLayout) {
    this.#objects = objects;
    this.#bytes = bytes;
    this.#layout = layout;
    this.#fields = [...layout.objects, ...layout.tail];
  }

  /** Why an object is not accepted. To be asked in order. */
  brokenBy(object: number): string | undefined {
    const type = this.#objects.types.at(object);
    const children = this.#childrenOf(object);
    const areHashable = children.every((child) => this.#hashable[child] === true);
    this.#hashable.push(areHashable && type !== list && type !== dict && type !== set);
    switch (type) {
      case marshalType.code:
        return this.#brokenByCode(object);
      case marshalType.set:
      case marshalType.frozenset:
        return areHashable ? undefined : 'a set with an element that has no hash';
      case marshalType.dict:
      case marshalType.frozendict:
        return children.every((child, i) => i % 2 === 1 || this.#hashable[child] === true)
          ? undefined
          : 'a dict with a key that has no hash';
      case marshalType.unicode:
      case marshalType.interned:
        return isText(this.#contentOf(object, 5)) ? undefined : 'a string that is not UTF-8';
      case marshalType.long:
        return isLong(this.#contentOf(object, 5)) ? undefined : 'a number with a digit out of range';
      case marshalType.float:
        return isFloat(this.#contentOf(object, 2)) ? undefined : 'a number that is none';
      case marshalType.complex:
        return this.#isComplex(object) ? undefined : 'a number that is none';
      default:
        return undefined;
    }
  }

  #brokenByCode(object: number): string | undefined {
    const field = (name: string) => {
      const index = this.#fields.indexOf(name);
      return index < 0 ? undefined : this.#objects.child(object, index);
    };
    const typeOf = (name: string) => this.#objects.types.at(field(name) ?? 0);
    const has = (name: string) => this.#fields.includes(name);
    const wrong =
      bytesFields.find((name) => has(name) && typeOf(name) !== marshalType.bytes) ??
      [...namesFields, 'consts'].find((name) => has(name) && !isTuple(typeOf(name))) ??
      stringFields.find((name) => has(name) && !isString(typeOf(name)));
    if (wrong !== undefined) return `a code object whose ${wrong} is of a wrong type`;
    const notNamed = namesFields.find((name) => !this.#childrenOf(field(name)).every((child) => this.#isString(child)));
    if (notNamed !== undefined) return `a code object whose ${notNamed} has what is no string`;
    return this.#brokenByNumbers(object, field);
  }

  #brokenByNumbers(object: number, field: (name: string) => number | undefined): string | undefined {
    const number = (name: string) => {
      const index = this.#layout.numbers.indexOf(name);
      return index < 0 ? 0 : this.#bytes.readInt32LE(this.#objects.offsets.at(object) + 1 + 4 * index);
    };
    const negative = this.#layout.numbers.find((name) => number(name) < 0);
    if (negative !== undefined) return `a code object whose ${negative} is negative`;
    if (number('argcount') < number('posonlyargcount')) return 'a code object with too many positional arguments';
    const flags = number('flags');
    const starred = ((flags & varArgs) === 0 ? 0 : 1) + ((flags & varKeywords) === 0 ? 0 : 1);
    const given = number('argcount') + number('kwonlyargcount') + starred;
    const tooMany = 'a code object with more arguments than names';
    const kinds = field('localspluskinds');
    if (kinds === undefined) return given > this.#childrenOf(field('varnames')).length ? tooMany : undefined;
    const locals = this.#contentOf(kinds, 5);
    if (locals.length !== this.#childrenOf(field('localsplusnames')).length) {
      return 'a code object with another number of names than of kinds of them';
    }
    const code = this.#contentOf(field('code') ?? 0, 5);
    if (code.length % 2 === 1) return 'a code object with half an instruction';
    for (let i = 0; i < code.length; i += 2) {
      if ((code[i] as number) >= firstInstrumented) return 'an instruction that only a running interpreter writes';
    }
    const names = locals.reduce((count, kind) => count + ((kind & fastLocal) === 0 ? 0 : 1), 0);
    return given > names ? tooMany : undefined;
  }

  #isString(object: number): boolean {
    return isString(this.#objects.types.at(object));
  }

  #isComplex(object: number): boolean {
    const parts = this.#contentOf(object, 1);
    const middle = 1 + (parts[0] ?? 0);
    return isFloat(parts.subarray(1, middle)) && isFloat(parts.subarray(middle + 1));
  }

  #childrenOf(object: number | undefined): number[] {
    if (object === undefined) return [];
    return Array.from({ length: this.#objects.childCount(object) }, (_, i) => this.#objects.child(object, i));
  }

  #contentOf(object: number, from: number): Buffer {
    const offset = this.#objects.offsets.at(object);
    return this.#bytes.subarray(offset + from, offset + this.#objects.sizes.at(object));
  }
}

const { list, dict, set } = marshalType;

function isTuple(type: number): boolean {
  return type === marshalType.tuple || type === marshalType.smallTuple;
}

/** Whether bytes are UTF-8, in which marshal allows lone surrogates. */
function isText(bytes: Buffer): boolean {
  if (isUtf8(bytes)) return true;
  const surrogates = /\xed[\xa0-\xbf][\x80-\xbf]/g;
  return isUtf8(Buffer.from(bytes.toString('latin1').replace(surrogates, '???'), 'latin1'));
}

/** Whether each digit has fifteen bits, and the highest is not zero. */
function isLong(digits: Buffer): boolean {
  for (let i = 1; i < digits.length; i += 2) if ((digits[i] as number) > 0x7f) return false;
  return digits.length === 0 || digits.readUInt16LE(digits.length - 2) !== 0;
}

function isFloat(text: Buffer): boolean {
  return /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i.test(text.toString('latin1'));
}
