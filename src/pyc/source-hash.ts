import { releaseOf } from './releases.ts';

/**
 * The source hash in a hash-based pyc, as the interpreter with that magic number computes it: sixteen hexadecimal
 * digits.
 * @see PEP 552, importlib.util.source_hash, `_Py_KeyedHash` in CPython's Python/pyhash.c
 */
export function sourceHash(magicNumber: number, source: Uint8Array): string {
  const rounds = releaseOf(magicNumber).hashRounds;
  const hash = Buffer.alloc(8);
  hash.writeBigUInt64LE(sipHash(0x0a0d0000n | BigInt(magicNumber), source, rounds));
  return hash.toString('hex');
}

/** SipHash with a key whose second half is 0. @see Aumasson and Bernstein, "SipHash: a fast short-input PRF" */
function sipHash(key: bigint, message: Uint8Array, rounds: { readonly word: number; readonly end: number }): bigint {
  // Arithmetic on a BigUint64Array's elements is modulo 2 to the 64th.
  const v = new BigUint64Array([
    key ^ 0x736f6d6570736575n,
    0x646f72616e646f6dn,
    key ^ 0x6c7967656e657261n,
    0x7465646279746573n,
  ]) as BigUint64Array & [bigint, bigint, bigint, bigint];
  const round = () => {
    v[0] += v[1];
    v[1] = rotated(v[1], 13n) ^ v[0];
    v[0] = rotated(v[0], 32n);
    v[2] += v[3];
    v[3] = rotated(v[3], 16n) ^ v[2];
    v[0] += v[3];
    v[3] = rotated(v[3], 21n) ^ v[0];
    v[2] += v[1];
    v[1] = rotated(v[1], 17n) ^ v[2];
    v[2] = rotated(v[2], 32n);
  };
  const absorb = (word: bigint) => {
    v[3] ^= word;
    for (let i = 0; i < rounds.word; i++) round();
    v[0] ^= word;
  };
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const whole = message.length - (message.length % 8);
  for (let offset = 0; offset < whole; offset += 8) absorb(view.getBigUint64(offset, true));
  const last = new Uint8Array(8);
  last.set(message.subarray(whole));
  last[7] = message.length;
  absorb(new DataView(last.buffer).getBigUint64(0, true));
  v[2] ^= 0xffn;
  for (let i = 0; i < rounds.end; i++) round();
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

function rotated(value: bigint, bits: bigint): bigint {
  return (value << bits) | (value >> (64n - bits));
}
