import { isUtf8 } from 'node:buffer';
import { marshalType } from './types.ts';

/**
 * Why an interpreter does not accept a string or a number.
 * @param offset of its type byte
 * @see r_object, r_PyLong and r_float_str in Python/marshal.c
 */
export function brokenValue(type: number, bytes: Buffer, offset: number, sizeBytes: number): string | undefined {
  const contentFrom = (start: number) => bytes.subarray(offset + start, offset + sizeBytes);
  switch (type) {
    case marshalType.unicode:
    case marshalType.interned:
      return isText(contentFrom(5)) ? undefined : 'a string that is not UTF-8';
    case marshalType.long:
      return isLong(contentFrom(5)) ? undefined : 'a number with a digit out of range';
    case marshalType.float:
      return isFloat(contentFrom(2)) ? undefined : notANumber;
    case marshalType.complex:
      return isComplex(contentFrom(1)) ? undefined : notANumber;
    default:
      return undefined;
  }
}

const notANumber = 'text in the place of a number';

/** Two numbers as text, each with its size before it. */
function isComplex(parts: Buffer): boolean {
  const middle = 1 + (parts[0] ?? 0);
  return isFloat(parts.subarray(1, middle)) && isFloat(parts.subarray(middle + 1));
}

/** Whether the bytes of a string are UTF-8. Unlike others, marshal also takes surrogates without their other half. */
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
