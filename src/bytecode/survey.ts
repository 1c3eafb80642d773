import type { CodeLayout } from './code-layout.ts';
import { type Unreadable, walkMarshal } from './marshal.ts';
import { danglingReference } from './marshal-tree.ts';
import { flagRef, isContainer, isInterned, isNameText, isString, marshalType, stringType } from './marshal-types.ts';
import { elementText, frozensetKey } from './normal-marshal.ts';
import { Numbers } from './numbers.ts';

/**
 * What in a pyc has to do with its normal form, everything in the order of the bytes. Where that is not enough to bring
 * it there, it is in doubt. There is one for all pycs, one after the other: its lists are not made anew for each.
 */
export class Survey {
  isInDoubt = false;
  /** The objects that can be referred to: those with a flag, and strings that may get one. */
  readonly objects = new Numbers();
  /** For each of them whether something refers to it: 1, or 0. */
  readonly isReferred = new Numbers();
  /** References, and strings that are there once already and become references. */
  readonly references = new Numbers();
  /** What each of those takes in the old bytes. */
  readonly referenceSizes = new Numbers();
  /** Which of the objects each of those refers to. */
  readonly targets = new Numbers();
  /** How many of the references are strings now. */
  repeated = 0;
  /** Strings that are interned and need not be. */
  readonly interned = new Numbers();

  #pyc: Buffer = Buffer.alloc(0);
  #hasDanglingReference = false;
  readonly #sizes = new Numbers();
  /** Which of the objects each flag stands for: its own, or an equal one before it. */
  readonly #flags = new Numbers();
  /** Which of the objects the strings are that do not look like names, by a hash. Others are interned, each once. */
  #texts = new Map<number, number>();
  /** How many elements of a frozenset are to come, and those that came. */
  #elementsDue = 0;
  readonly #elements: string[] = [];
  #frozensets = new Set<string>();

  /** Looks at another pyc. @returns why it cannot be read */
  of(pyc: Buffer, start: number, layout: CodeLayout): Unreadable | undefined {
    this.#pyc = pyc;
    this.isInDoubt = this.#hasDanglingReference = false;
    this.repeated = this.#elementsDue = this.#elements.length = 0;
    for (const list of [this.objects, this.isReferred, this.references, this.referenceSizes]) list.clear();
    for (const list of [this.targets, this.interned, this.#sizes, this.#flags]) list.clear();
    // New ones: the tables of a map that is cleared keep each other in memory.
    this.#texts = new Map();
    this.#frozensets = new Set();
    const reason = walkMarshal(pyc, start, layout, this.#see);
    if (reason !== undefined) return { unreadable: reason };
    return this.#hasDanglingReference ? { unreadable: danglingReference } : undefined;
  }

  /** Whether nothing is to be changed. Asked only if it is not in doubt. */
  get isNormal(): boolean {
    if (this.repeated > 0 || this.interned.length > 0) return false;
    for (let i = 0; i < this.objects.length; i++) {
      const isFlagged = ((this.#pyc[this.objects.at(i)] as number) & flagRef) !== 0;
      if (isFlagged !== (this.isReferred.at(i) === 1)) return false;
    }
    return true;
  }

  readonly #see = (offset: number, sizeBytes: number): void => {
    const typeByte = this.#pyc[offset] as number;
    const type = typeByte & ~flagRef;
    const isElement = this.#elementsDue > 0;
    if (type === marshalType.reference) {
      const flag = this.#pyc.readUInt32LE(offset + 1);
      if (flag >= this.#flags.length) {
        this.#hasDanglingReference = true;
        return;
      }
      const target = this.#flags.at(flag);
      this.#addReference(offset, sizeBytes, target);
      if (isElement) this.#seeElement(this.objects.at(target), this.#sizes.at(target));
      return;
    }
    if (isElement) this.#seeElement(offset, sizeBytes);
    if (isString(type)) this.#seeString(typeByte, offset, sizeBytes);
    else if (typeByte !== type) this.#flags.push(this.#addObject(offset, sizeBytes));
    if (type === marshalType.frozenset) this.#seeFrozenset(offset);
  };

  #addObject(offset: number, sizeBytes: number): number {
    this.#sizes.push(sizeBytes);
    this.isReferred.push(0);
    this.objects.push(offset);
    return this.objects.length - 1;
  }

  #addReference(offset: number, sizeBytes: number, target: number): void {
    this.references.push(offset);
    this.referenceSizes.push(sizeBytes);
    this.targets.push(target);
    this.isReferred.set(target, 1);
  }

  #seeString(typeByte: number, offset: number, sizeBytes: number): void {
    const type = typeByte & ~flagRef;
    const isFlagged = typeByte !== type;
    if (isNameText(this.#pyc, offset, sizeBytes)) {
      if (!isInterned(type)) this.isInDoubt = true;
      if (isFlagged) this.#flags.push(this.#addObject(offset, sizeBytes));
      return;
    }
    const key = this.#keyOf(type, offset, sizeBytes);
    let object = this.#texts.get(key);
    if (object === undefined) {
      object = this.#addObject(offset, sizeBytes);
      this.#texts.set(key, object);
      if (isInterned(type)) this.interned.push(offset);
    } else if (this.#isEqual(object, type, offset, sizeBytes)) {
      this.#addReference(offset, sizeBytes, object);
      this.repeated += 1;
    } else this.isInDoubt = true;
    if (isFlagged) this.#flags.push(object);
  }

  /** The key of the equal string that was seen before, or one that is free; that of another one after many of them. */
  #keyOf(type: number, offset: number, sizeBytes: number): number {
    const hash = hashOf(this.#pyc, offset, sizeBytes);
    for (let key = hash; key < hash + maxCollisions; key++) {
      const object = this.#texts.get(key);
      if (object === undefined || this.#isEqual(object, type, offset, sizeBytes)) return key;
    }
    return hash;
  }

  #isEqual(object: number, type: number, offset: number, sizeBytes: number): boolean {
    const first = this.objects.at(object);
    const firstType = (this.#pyc[first] as number) & ~flagRef;
    if (this.#sizes.at(object) !== sizeBytes || stringType(firstType, false) !== stringType(type, false)) return false;
    return this.#pyc.compare(this.#pyc, first + 1, first + sizeBytes, offset + 1, offset + sizeBytes) === 0;
  }

  #seeFrozenset(offset: number): void {
    this.#elements.length = 0;
    this.#elementsDue = this.#pyc.readInt32LE(offset + 1);
    if (this.#elementsDue === 0) this.#endFrozenset();
  }

  /** @param offset of the element itself, or of what it refers to */
  #seeElement(offset: number, sizeBytes: number): void {
    const type = (this.#pyc[offset] as number) & ~flagRef;
    this.#elementsDue -= 1;
    if (isContainer(type) || type === marshalType.code) {
      this.isInDoubt = true;
      this.#elementsDue = 0;
      return;
    }
    const normalType = isString(type) ? stringType(type, isNameText(this.#pyc, offset, sizeBytes)) : type;
    const own = this.#pyc.toString('latin1', offset + 1, offset + sizeBytes);
    this.#elements.push(elementText(normalType, own));
    if (this.#elementsDue === 0) this.#endFrozenset();
  }

  /** One is in normal form if it is sorted, and no other is equal. */
  #endFrozenset(): void {
    const key = frozensetKey(this.#elements);
    const isSorted = this.#elements.every((text, i) => i === 0 || (this.#elements[i - 1] as string) < text);
    if (!isSorted || this.#frozensets.has(key)) this.isInDoubt = true;
    this.#frozensets.add(key);
  }
}

/** How many strings with one hash are told apart. */
const maxCollisions = 8;

/** A number that is the same for equal strings, and mostly another for others: it takes 16 bytes from all over them. */
function hashOf(pyc: Buffer, offset: number, sizeBytes: number): number {
  const end = offset + sizeBytes;
  const step = (sizeBytes >> 4) + 1;
  let hash = sizeBytes;
  for (let i = offset + 1; i < end; i += step) hash = Math.imul(hash ^ (pyc[i] as number), 0x01000193);
  return hash;
}
