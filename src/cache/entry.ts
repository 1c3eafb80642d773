import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Level } from '../pyc/name.ts';
import { Digests, sha256Of } from '../sha256.ts';

/** An entry of the cache: what it has of a compiled source. */
export interface Entry {
  /**
   * One for each level, in normal form. Levels with the same bytes share a buffer. Each begins with the header that it had
   * in the build that stored it, which `pycsForSource` replaces.
   */
  readonly pycs: readonly { readonly level: Level; readonly content: Buffer }[];
  /** The SHA-256 of their bytes. */
  readonly digests: Digests;
  /** What the compiler warned about. */
  readonly warnings: readonly string[];
}

/*
 * The bytes of an entry: three lines of text, which are a mark, the head and the seal, and then the pycs one after the
 * other. The seal is the SHA-256 of the lines before it, or their HMAC if there is a secret: then the entry has the other
 * mark. It covers the pycs too, since the head has their digests. Those are what the manifest says of a pyc: its bytes
 * are hashed once for both. Nothing is compressed: that would cost a build more than it may.
 */
const plainMark = 'pyclink cache 1\n';
const signedMark = 'pyclink sealed1\n';
/** Also of versions to come. */
const anyMark = /^pyclink [a-z]+ ?\d+\n/;
const sealLength = 64;
const lineEnd = 10;

/** The line of JSON that says what there is. */
interface Head {
  readonly key: string;
  /** For each level: which pyc. */
  readonly levels: readonly (readonly [Level, number])[];
  /** The size of each pyc in bytes, and its SHA-256 in Base64. */
  readonly pycs: readonly (readonly [number, string])[];
  readonly warnings: readonly string[];
  /** Of an entry with an HMAC: whose secret that is. */
  readonly signer?: string | undefined;
}

/**
 * The bytes of an entry, in pieces that follow each other: copying large pycs would take longer than writing them.
 * @param key in hexadecimal
 */
export function encodeEntry(key: string, { pycs, digests, warnings }: Entry, secret?: Buffer): Buffer[] {
  const distinct: Buffer[] = [];
  const levels = pycs.map(({ level, content }): Head['levels'][number] => {
    const known = distinct.findIndex((other) => other === content || other.equals(content));
    return [level, known === -1 ? distinct.push(content) - 1 : known];
  });
  const described = distinct.map((pyc): Head['pycs'][number] => [pyc.length, toBase64(digests.of(pyc))]);
  const head: Head = { key, levels, pycs: described, warnings, signer: secret && signerOf(secret) };
  const sealed = `${markFor(secret)}${JSON.stringify(head)}\n`;
  return [Buffer.from(`${sealed}${sealOf(sealed, secret)}\n`), ...distinct];
}

/** The entry of these bytes, and in them; undefined if they are not a whole and genuine entry for this key. */
export function decodeEntry(key: string, bytes: Buffer, secret?: Buffer): Entry | undefined {
  const parts = split(bytes, markFor(secret));
  if (parts === undefined) return undefined;
  const expected = Buffer.from(sealOf(parts.sealed, secret));
  if (parts.seal.length !== sealLength || !timingSafeEqual(parts.seal, expected)) return undefined;
  return entryIn(key, parts)?.entry;
}

/** What the bytes of an entry are. Signed ones are genuine only for who has the secret. */
export type EntryState = 'whole' | 'damaged' | 'signed' | 'signedByOther' | 'ofOtherVersion';

/** Says whether an entry is whole, as far as the secret tells. */
export function checkEntry(key: string, bytes: Buffer, secret?: Buffer): EntryState {
  const mark = [plainMark, signedMark].find((one) => startsWith(bytes, one));
  if (mark === undefined) return anyMark.test(bytes.toString('latin1', 0, 32)) ? 'ofOtherVersion' : 'damaged';
  // Entries written without a secret cannot be used by builds with one: their keys differ.
  if (mark === plainMark) return decodeEntry(key, bytes) === undefined ? 'damaged' : 'whole';
  const parts = split(bytes, mark);
  const found = parts && entryIn(key, parts);
  if (found === undefined) return 'damaged';
  if (secret === undefined) return 'signed';
  if (found.signer !== signerOf(secret)) return 'signedByOther';
  return decodeEntry(key, bytes, secret) === undefined ? 'damaged' : 'whole';
}

/** The pieces of an entry. */
interface Parts {
  readonly sealed: Buffer;
  readonly seal: Buffer;
  readonly head: string;
  readonly content: Buffer;
}

function split(bytes: Buffer, mark: string): Parts | undefined {
  if (!startsWith(bytes, mark)) return undefined;
  const headEnd = bytes.indexOf(lineEnd, mark.length) + 1;
  const sealEnd = headEnd + sealLength;
  if (headEnd === 0 || bytes[sealEnd] !== lineEnd) return undefined;
  return {
    sealed: bytes.subarray(0, headEnd),
    seal: bytes.subarray(headEnd, sealEnd),
    head: bytes.toString('utf8', mark.length, headEnd),
    content: bytes.subarray(sealEnd + 1),
  };
}

/** What is under the seal; undefined if that is no whole entry for this key. */
function entryIn(
  key: string,
  { head: text, content }: Parts,
): { entry: Entry; signer: string | undefined } | undefined {
  try {
    const head = JSON.parse(text) as Head;
    return head.key === key ? { entry: withPycs(head, content), signer: head.signer } : undefined;
  } catch {
    // A pyc is damaged, or there is no head of an entry.
    return undefined;
  }
}

/** Tells secrets apart, and tells nothing of them. */
function signerOf(secret: Buffer): string {
  return createHmac('sha256', secret).update('signer').digest('hex').slice(0, 16);
}

function markFor(secret: Buffer | undefined): string {
  return secret === undefined ? plainMark : signedMark;
}

function startsWith(bytes: Buffer, mark: string): boolean {
  return bytes.toString('latin1', 0, mark.length) === mark;
}

/** @throws if that is no entry */
function withPycs({ levels, pycs, warnings }: Head, content: Buffer): Entry {
  const digests = new Digests();
  let end = 0;
  const distinct = pycs.map(([size, sha256]) => {
    end += size;
    const pyc = content.subarray(end - size, end);
    if (toBase64(digests.of(pyc)) !== sha256) throw new Error('another digest');
    return pyc;
  });
  if (end !== content.length) throw new Error('another size');
  const contentOf = (index: number): Buffer => {
    const pyc = distinct[index];
    if (!Buffer.isBuffer(pyc)) throw new Error('no such pyc');
    return pyc;
  };
  return {
    pycs: levels.map(([level, index]) => ({ level, content: contentOf(index) })),
    digests,
    warnings: warnings.map(String),
  };
}

function toBase64(digest: string): string {
  return Buffer.from(digest, 'latin1').toString('base64');
}

function sealOf(sealed: string | Buffer, secret: Buffer | undefined): string {
  return secret === undefined ? sha256Of(sealed) : createHmac('sha256', secret).update(sealed).digest('hex');
}

/**
 * Whether entries have the same bodies and warnings.
 * @param headerBytes how many bytes of each pyc are its header
 */
export function isSameEntry(a: Entry, b: Entry, headerBytes: number): boolean {
  const isSame = ({ level, content }: Entry['pycs'][number], other?: Entry['pycs'][number]) =>
    other?.level === level && other.content.subarray(headerBytes).equals(content.subarray(headerBytes));
  return (
    a.pycs.length === b.pycs.length &&
    a.pycs.every((pyc, i) => isSame(pyc, b.pycs[i])) &&
    a.warnings.join('\n') === b.warnings.join('\n')
  );
}
