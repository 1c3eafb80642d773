import { codeLayoutOf } from './code-layout.ts';
import type { Unreadable } from './marshal.ts';
import { flagRef, marshalType, stringType } from './marshal-types.ts';
import { encodeNormal } from './normal-marshal.ts';
import { Numbers } from './numbers.ts';
import { headerSizeBytes, parsePycHeader } from './pyc-header.ts';
import { Survey } from './survey.ts';

/** Of the pyc that is being looked at. */
const survey = new Survey();

/** The number of each of its objects, if something refers to it: of the flags before it. */
const numbers = new Numbers();

/**
 * The pyc without what the history of its interpreter left in it: the same source gives the same bytes then, whatever
 * else the process compiled before. The code equals the old one.
 * @returns the pyc itself if it is in normal form already; a reason if it is not a whole pyc of a known interpreter
 */
export function normalizePyc(pyc: Buffer): Buffer | Unreadable {
  const header = parsePycHeader(pyc);
  if ('unreadable' in header) return header;
  const layout = codeLayoutOf(header.magicNumber);
  if (layout === undefined) return { unreadable: `magic number ${header.magicNumber} is not known` };
  const start = headerSizeBytes(header.magicNumber);
  const unreadable = survey.of(pyc, start, layout);
  if (unreadable !== undefined) return unreadable;
  if (!survey.isInDoubt) return survey.isNormal ? pyc : rewritten(pyc);
  const normal = encodeNormal(pyc, start, layout);
  return Buffer.isBuffer(normal) && normal.equals(pyc) ? pyc : normal;
}

/**
 * The pyc with references in the place of repeated strings, and with the flags that references need: marshal flags an
 * object that anything in the process refers to at that moment, not only the pyc itself.
 * @see w_ref in Python/marshal.c
 */
function rewritten(pyc: Buffer): Buffer {
  const { objects, isReferred, references, referenceSizes, targets, repeated, interned } = survey;
  const content = Buffer.from(pyc);
  for (let i = 0; i < interned.length; i++) {
    const typeByte = pyc[interned.at(i)] as number;
    content[interned.at(i)] = stringType(typeByte & ~flagRef, false) | (typeByte & flagRef);
  }
  numbers.clear();
  let next = 0;
  for (let i = 0; i < objects.length; i++) {
    const offset = objects.at(i);
    const typeByte = content[offset] as number;
    content[offset] = isReferred.at(i) === 1 ? typeByte | flagRef : typeByte & ~flagRef;
    numbers.push(next);
    next += isReferred.at(i);
  }
  const pieces: Buffer[] = [];
  let done = 0;
  for (let i = 0; i < references.length; i++) {
    const offset = references.at(i);
    const number = numbers.at(targets.at(i));
    if (pyc[offset] === marshalType.reference) {
      content.writeUInt32LE(number, offset + 1);
      continue;
    }
    const reference = Buffer.from([marshalType.reference, 0, 0, 0, 0]);
    reference.writeUInt32LE(number, 1);
    pieces.push(content.subarray(done, offset), reference);
    done = offset + referenceSizes.at(i);
  }
  return repeated === 0 ? content : Buffer.concat([...pieces, content.subarray(done)]);
}
