import { type CodeLayout, releaseOf } from '../pyc/releases.ts';
import { danglingReference } from './tree.ts';
import { flagRef, marshalType } from './types.ts';
import { walkMarshal } from './walk.ts';

/**
 * Why an interpreter cannot load the code of a pyc with a whole header; undefined if it reads to its last byte.
 * @param layout of the interpreter's code objects
 */
export function damageOf(pyc: Buffer, layout: CodeLayout): string | undefined {
  const start = releaseOf(pyc.readUInt16LE(0)).headerSizeBytes;
  let flagged = 0;
  let wrong: string | undefined;
  const reason = walkMarshal(pyc, start, layout, (offset) => {
    const typeByte = pyc[offset] as number;
    const type = typeByte & ~flagRef;
    if (offset === start && type !== marshalType.code) wrong = 'not a code object';
    if (type === marshalType.reference && pyc.readUInt32LE(offset + 1) >= flagged) wrong ??= danglingReference;
    if (typeByte !== type) flagged += 1;
  });
  return reason ?? wrong;
}
