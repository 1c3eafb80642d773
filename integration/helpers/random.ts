/** A whole number from 0 up to and without `below`. */
export type Random = (below: number) => number;

/** Marsaglia's xorshift: the same seed gives the same numbers. */
export function randomFrom(seed: number): Random {
  let state = Math.imul(seed, 0x9e3779b1) || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** One to three damages: bits and bytes changed, pieces moved, doubled, cut, and everything behind a place lost. */
export function damaged(whole: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(whole);
  for (let left = 1 + random(3); left > 0 && bytes.length > 0; left--) {
    const [at, to] = [random(bytes.length), random(bytes.length)];
    const piece = bytes.subarray(at, at + random(512));
    const ways = [
      () => bytes.fill((bytes[at] ?? 0) ^ (1 << random(8)), at, at + 1),
      () => bytes.fill(random(256), at, at + 1),
      () => bytes.fill(random(2) * 0xff, at, Math.min(at + random(16), bytes.length)),
      () => bytes.subarray(0, at),
      () => Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + piece.length)]),
      // A number becomes a huge one, or a negative one.
      () =>
        Buffer.from(
          bytes.toString('latin1').replace(/\d(?=\D*$)/, '9'.repeat(random(12)).replace(/^9/, '-')),
          'latin1',
        ),
    ];
    bytes = (ways[random(ways.length)] as () => Buffer)();
  }
  return bytes;
}
