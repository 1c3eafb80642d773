import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkEntry, decodeEntry, type Entry, encodeEntry } from '../../src/cache/entry.ts';
import { levels } from '../../src/pyc/name.ts';

const [key, otherKey] = ['ab'.repeat(32), 'cd'.repeat(32)];
const [secret, otherSecret] = [Buffer.from('a secret of a farm'), Buffer.from('a secret of others')];
const bytesOf = (entry: Entry, sealedWith?: Buffer) => Buffer.concat(encodeEntry(key, entry, sealedWith));

const anyBody = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const anyEntry: fc.Arbitrary<Entry> = fc.record({
  bodies: fc
    .subarray([...levels])
    .chain((some) =>
      fc
        .array(anyBody, { minLength: some.length, maxLength: some.length })
        .map((bodies) => some.map((level, i) => ({ level, body: bodies[i] as Buffer }))),
    ),
  warnings: fc.array(fc.string()),
});
const anySecret = fc.constantFrom(undefined, secret);
const sample: Entry = {
  bodies: [
    { level: 0, body: Buffer.from('zero') },
    { level: 2, body: Buffer.from('two') },
  ],
  warnings: ['m.py:1: SyntaxWarning: "is" with a literal'],
};

describe('an entry', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(anyEntry, anySecret, (entry, sealedWith) => {
        expect(decodeEntry(key, bytesOf(entry, sealedWith), sealedWith)).toEqual(entry);
      }),
    );
  });

  it('has levels that are equal once', () => {
    const body = Buffer.alloc(5000, 'body');
    const three = { bodies: levels.map((level) => ({ level, body: Buffer.from(body) })), warnings: [] };
    expect(bytesOf(three).length).toBeLessThan(5200);
    expect(decodeEntry(key, bytesOf(three))).toEqual(three);
  });

  it('is none when any bit of it differs, it is cut, or it is longer', () => {
    for (const sealedWith of [undefined, secret]) {
      const bytes = bytesOf(sample, sealedWith);
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        const other = Buffer.from(bytes);
        other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(decodeEntry(key, other, sealedWith)).toBeUndefined();
      }
      for (let length = 0; length < bytes.length; length++) {
        expect(decodeEntry(key, bytes.subarray(0, length), sealedWith)).toBeUndefined();
      }
      expect(decodeEntry(key, Buffer.concat([bytes, Buffer.alloc(1)]), sealedWith)).toBeUndefined();
    }
  });

  it('is for its key only', () => {
    expect(decodeEntry(otherKey, bytesOf(sample))).toBeUndefined();
  });

  it('counts only with the secret it was signed with', () => {
    const signed = bytesOf(sample, secret);
    expect([undefined, secret, otherSecret].map((given) => decodeEntry(key, signed, given) !== undefined)).toEqual([
      false,
      true,
      false,
    ]);
    expect(decodeEntry(key, bytesOf(sample), secret)).toBeUndefined();
  });

  it('can be checked: signed ones only with the secret', () => {
    const [plain, signed] = [bytesOf(sample), bytesOf(sample, secret)];
    expect([undefined, secret, otherSecret].map((given) => checkEntry(key, signed, given))).toEqual([
      'signed',
      'whole',
      'damaged',
    ]);
    expect([undefined, secret].map((given) => checkEntry(key, plain, given))).toEqual(['whole', 'whole']);
    expect(checkEntry(key, plain.subarray(1))).toBe('damaged');
    expect(checkEntry(key, Buffer.alloc(0), secret)).toBe('damaged');
  });
});

it('an entry with a right digest and a senseless head is none', () => {
  const heads = ['', '{}', '[]', 'null', '{"levels":[[0,1]],"sizes":[0],"warnings":[]}', '{"levels":1,"sizes":[]}'];
  for (const head of heads) expect(decodeEntry(key, withHead(head))).toBeUndefined();
  expect(decodeEntry(key, withHead('{"levels":[],"sizes":[],"warnings":[]}'))).toEqual({ bodies: [], warnings: [] });
});

/** An entry without bodies, whose digest is right. */
function withHead(head: string): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(head.length);
  const all = Buffer.concat([Buffer.from('pyclink cache 1\n'), Buffer.from(key, 'hex'), size, Buffer.from(head)]);
  return Buffer.concat([all, createHash('sha256').update(all).digest()]);
}
