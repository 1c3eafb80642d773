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
