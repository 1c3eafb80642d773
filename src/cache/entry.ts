import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Level } from '../pyc/name.ts';
import type { Pyc } from '../pyc/pyc.ts';
import { Digests, sha256Of } from '../sha256.ts';

/** A cache entry: the result of compiling one source. */
export interface Entry {
  /**
   * The pycs of all levels, normalized. Levels with the same bytes share a buffer. Their headers are from the build
   * that stored them; `pycsForSource` replaces them.
   */
  readonly pycs: readonly Pick<Pyc, 'level' | 'content'>[];
  /** The SHA-256 of their bytes. */
  readonly digests: Digests;
  /** The compiler's warnings. */
  readonly warnings: readonly string[];
}

/**
 * An entry consists of three lines of text (format line, head and seal), followed by the pycs. The seal is the SHA-256
 * of the lines before it, or their HMAC if there is a secret; a different format line then says so. The seal also
 * covers the pycs, because the head contains their digests. The manifest records the same digests, so each pyc is
 * hashed only once. Nothing is compressed: that would slow a build down too much.
 */
const plainFormat = 'pyclink cache 1\n';
const signedFormat = 'pyclink sealed1\n';
/** Also matches future versions. */
const anyFormat = /^pyclink [a-z]+ ?\d+\n/;
const sealLength = 64;
const lineEnd = 10;

/** The JSON line that describes the entry. */
interface Head {
  readonly key: string;
  /** For each level: the index of its pyc. */
  readonly levels: readonly (readonly [Level, number])[];
  /** The size of each pyc in bytes, and its SHA-256 in Base64. */
  readonly pycs: readonly (readonly [number, string])[];
  readonly warnings: readonly string[];
  /** For an entry with an HMAC: identifies the secret. */
  readonly signer?: string | undefined;
}

/**
 * Encodes an entry as consecutive pieces, because copying large pycs would take longer than writing them.
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
  const sealed = `${formatFor(secret)}${JSON.stringify(head)}\n`;
  return [Buffer.from(`${sealed}${sealOf(sealed, secret)}\n`), ...distinct];
}

/** Decodes an entry; its pycs are views of `bytes`. Undefined if it is corrupt, not genuine, or for another key. */
export function decodeEntry(key: string, bytes: Buffer, secret?: Buffer): Entry | undefined {
  const parts = split(bytes, formatFor(secret));
  if (parts === undefined) return undefined;
  const expected = Buffer.from(sealOf(parts.sealed, secret));
  if (parts.seal.length !== sealLength || !timingSafeEqual(parts.seal, expected)) return undefined;
  return entryIn(key, parts)?.entry;
}

/** The state of an entry. Only a build with the secret can verify a signed entry. */
export type EntryState = 'whole' | 'damaged' | 'signed' | 'signedByOther' | 'ofOtherVersion';

/** Checks an entry, as far as the secret allows. */
export function checkEntry(key: string, bytes: Buffer, secret?: Buffer): EntryState {
  const format = [plainFormat, signedFormat].find((one) => startsWith(bytes, one));
  if (format === undefined) return anyFormat.test(bytes.toString('latin1', 0, 32)) ? 'ofOtherVersion' : 'damaged';
  // Entries written without a secret cannot be used by builds with one: their keys differ.
  if (format === plainFormat) return decodeEntry(key, bytes) === undefined ? 'damaged' : 'whole';
  const parts = split(bytes, format);
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

function split(bytes: Buffer, format: string): Parts | undefined {
  if (!startsWith(bytes, format)) return undefined;
  const headEnd = bytes.indexOf(lineEnd, format.length) + 1;
  const sealEnd = headEnd + sealLength;
  if (headEnd === 0 || bytes[sealEnd] !== lineEnd) return undefined;
  return {
    sealed: bytes.subarray(0, headEnd),
    seal: bytes.subarray(headEnd, sealEnd),
    head: bytes.toString('utf8', format.length, headEnd),
    content: bytes.subarray(sealEnd + 1),
  };
}

/** The content under the seal; undefined if it is not a valid entry for this key. */
function entryIn(
  key: string,
  { head: text, content }: Parts,
): { entry: Entry; signer: string | undefined } | undefined {
  try {
    const head = JSON.parse(text) as Head;
    return head.key === key ? { entry: withPycs(head, content), signer: head.signer } : undefined;
  } catch {
    // A pyc is corrupt, or the head is not an entry's.
    return undefined;
  }
}

/** Identifies a secret without revealing it. */
function signerOf(secret: Buffer): string {
  return createHmac('sha256', secret).update('signer').digest('hex').slice(0, 16);
}

function formatFor(secret: Buffer | undefined): string {
  return secret === undefined ? plainFormat : signedFormat;
}

function startsWith(bytes: Buffer, format: string): boolean {
  return bytes.toString('latin1', 0, format.length) === format;
}

/** @throws if it is not an entry */
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
