import fc from 'fast-check';
import { expect } from 'vitest';

/** Holds that the normal form of a value means what the value means and is its own, and that the value is left as it was. */
export function expectNormalForm(
  values: fc.Arbitrary<Buffer>,
  normalForm: (value: Buffer) => unknown,
  meaning: (value: Buffer) => string,
): void {
  const check = (value: Buffer) => {
    const original = Buffer.from(value);
    const once = normalForm(value) as Buffer;
    expect(value).toEqual(original);
    expect(Buffer.isBuffer(once)).toBe(true);
    expect(meaning(once)).toBe(meaning(value));
    expect(normalForm(once)).toEqual(once);
  };
  fc.assert(fc.property(values, check), { numRuns: 1000 });
}
