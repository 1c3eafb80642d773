import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Level } from '../pyc/name.ts';

/** What a cache keeps of a compiled source: no header, and no mode, which are made anew. */
export interface Entry {
  /** Pycs in normal form, without their headers. Levels that are the same share a buffer. */
  readonly bodies: readonly { readonly level: Level; readonly body: Buffer }[];
  /** What the compiler warned about. */
  readonly warnings: readonly string[];
}

/*
 * The bytes of an entry: the mark, the key (32 bytes), the size of the head (4 bytes, little endian), the head, the
 * bodies one after the other; and the SHA-256 of all that (32 bytes), or its HMAC if there is a secret: then the entry
 * has the other mark. Nothing is compressed: that would cost a build more than it may.
 */
const markBytes = 16;
const plainMark = Buffer.from('pyclink cache 1\n');
const signedMark = Buffer.from('pyclink sealed1\n');
const headStart = markBytes + 32 + 4;
const digestBytes = 32;

/** What is there of the bodies, as JSON. */
interface Head {
  /** For each level: which body. */
  readonly levels: readonly (readonly [Level, number])[];
  readonly sizes: readonly number[];
  readonly warnings: readonly string[];
}

/**
 * The bytes of an entry, in pieces that follow each other: copying large bodies would take longer than writing them.
 * @param key in hexadecimal
 */
export function encodeEntry(key: string, { bodies, warnings }: Entry, secret?: Buffer): Buffer[] {
  const distinct: Buffer[] = [];
  const levels = bodies.map(({ level, body }): Head['levels'][number] => {
    const known = distinct.findIndex((other) => other === body || other.equals(body));
    return [level, known === -1 ? distinct.push(body) - 1 : known];
  });
  const head: Head = { levels, sizes: distinct.map(({ length }) => length), warnings };
  const headText = Buffer.from(JSON.stringify(head));
  const headSize = Buffer.alloc(4);
  headSize.writeUInt32LE(headText.length);
  const pieces = [Buffer.concat([markFor(secret), Buffer.from(key, 'hex'), headSize, headText]), ...distinct];
  return [...pieces, digestOf(pieces, secret)];
}

/** The entry of these bytes; undefined if they are not a whole and genuine entry for this key. */
export function decodeEntry(key: string, bytes: Buffer, secret?: Buffer): Entry | undefined {
  if (bytes.length < headStart + digestBytes) return undefined;
  const all = bytes.subarray(0, -digestBytes);
  if (!timingSafeEqual(digestOf([all], secret), bytes.subarray(-digestBytes))) return undefined;
  if (!startsWith(all, markFor(secret)) || all.toString('hex', markBytes, markBytes + 32) !== key) return undefined;
  try {
    return decodeContent(all);
  } catch {
    // Whoever made it knew how to make a digest, but not an entry.
    return undefined;
  }
}

/** Whether an entry is whole. Signed ones cannot be checked without the secret. */
export function checkEntry(key: string, bytes: Buffer, secret?: Buffer): 'whole' | 'damaged' | 'signed' {
  if (secret === undefined && startsWith(bytes, signedMark)) return 'signed';
  // Entries of builds without a secret are no harm to those with one: their keys differ.
  const isSigned = startsWith(bytes, signedMark);
  return decodeEntry(key, bytes, isSigned ? secret : undefined) === undefined ? 'damaged' : 'whole';
}

function markFor(secret: Buffer | undefined): Buffer {
  return secret === undefined ? plainMark : signedMark;
}

function startsWith(bytes: Buffer, mark: Buffer): boolean {
  return bytes.subarray(0, markBytes).equals(mark);
}

/** @throws if that is no entry */
function decodeContent(all: Buffer): Entry {
  const headEnd = headStart + all.readUInt32LE(headStart - 4);
  const { levels, sizes, warnings } = JSON.parse(all.toString('utf8', headStart, headEnd)) as Head;
  let end = headEnd;
  const distinct = sizes.map((size) => {
    end += size;
    return all.subarray(end - size, end);
  });
  if (end !== all.length) throw new Error('another size');
  const bodyOf = (index: number): Buffer => {
    const body = distinct[index];
    if (body === undefined) throw new Error('no such body');
    return body;
  };
  const bodies = levels.map(([level, index]) => ({ level, body: bodyOf(index) }));
  return { bodies, warnings: warnings.map(String) };
}

function digestOf(pieces: readonly Buffer[], secret: Buffer | undefined): Buffer {
  const hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

/** Whether entries have the same bodies and warnings. */
export function isSameEntry(a: Entry, b: Entry): boolean {
  return (
    a.bodies.length === b.bodies.length &&
    a.bodies.every(({ level, body }, i) => b.bodies[i]?.level === level && b.bodies[i]?.body.equals(body)) &&
    a.warnings.join('\n') === b.warnings.join('\n')
  );
}
