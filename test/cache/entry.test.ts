import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkEntry, decodeEntry, type Entry, encodeEntry } from '../../src/cache/entry.ts';
import { levels } from '../../src/pyc/name.ts';
import { Digests, sha256Of } from '../../src/sha256.ts';

const [key, otherKey] = ['ab'.repeat(32), 'cd'.repeat(32)];
const [secret, otherSecret] = [Buffer.from('a secret of a farm'), Buffer.from('a secret of others')];
const bytesOf = (entry: Entry, sealedWith?: Buffer) => Buffer.concat(encodeEntry(key, entry, sealedWith));

const anyContent = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const anyEntry: fc.Arbitrary<Entry> = fc.record({
  pycs: fc
    .subarray([...levels])
    .chain((some) =>
      fc
        .array(anyContent, { minLength: some.length, maxLength: some.length })
        .map((contents) => some.map((level, i) => ({ level, content: contents[i] as Buffer }))),
    ),
  digests: fc.constant(new Digests()),
  warnings: fc.array(fc.string()),
});
const anySecret = fc.constantFrom(undefined, secret);
const sample: Entry = {
  pycs: [
    { level: 0, content: Buffer.from('zero') },
    { level: 2, content: Buffer.from('two') },
  ],
  digests: new Digests(),
  warnings: ['m.py:1: SyntaxWarning: "is" with a literal'],
};

describe('an entry', () => {
  it('is decoded as it was encoded', () => {
    fc.assert(
      fc.property(anyEntry, anySecret, (entry, sealedWith) => {
        expect(decodeEntry(key, bytesOf(entry, sealedWith), sealedWith)).toEqual(entry);
      }),
    );
  });

  it('contains identical levels once', () => {
    const content = Buffer.alloc(5000, 'code');
    const pycs = levels.map((level) => ({ level, content: Buffer.from(content) }));
    const three = { pycs, digests: new Digests(), warnings: [] };
    expect(bytesOf(three).length).toBeLessThan(5300);
    expect(decodeEntry(key, bytesOf(three))).toEqual(three);
  });

  it('is refused if any bit differs, or if it is truncated or longer', () => {
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

  it('is valid only with the secret that signed it', () => {
    const signed = bytesOf(sample, secret);
    expect([undefined, secret, otherSecret].map((given) => decodeEntry(key, signed, given) !== undefined)).toEqual([
      false,
      true,
      false,
    ]);
    expect(decodeEntry(key, bytesOf(sample), secret)).toBeUndefined();
  });

  it('can be checked, signed ones only with the secret', () => {
    const [plain, signed] = [bytesOf(sample), bytesOf(sample, secret)];
    expect([undefined, secret, otherSecret].map((given) => checkEntry(key, signed, given))).toEqual([
      'signed',
      'whole',
      'signedByOther',
    ]);
    expect([undefined, secret].map((given) => checkEntry(key, plain, given))).toEqual(['whole', 'whole']);
    expect(checkEntry(key, plain.subarray(1))).toBe('damaged');
    expect(checkEntry(key, Buffer.alloc(0), secret)).toBe('damaged');
  });

  it('if signed, is found corrupt with and without a secret; a wrong signature only with the right one', () => {
    const signed = bytesOf(sample, secret);
    const cut = signed.subarray(0, -1);
    expect([undefined, secret, otherSecret].map((given) => checkEntry(key, cut, given))).toEqual(
      Array(3).fill('damaged'),
    );
    expect(checkEntry(otherKey, signed)).toBe('damaged');
    const sealAt = signed.indexOf('\n', 20) + 1;
    const forged = Buffer.concat([signed.subarray(0, sealAt), Buffer.alloc(64, '0'), signed.subarray(sealAt + 64)]);
    expect(checkEntry(key, forged, secret)).toBe('damaged');
  });

  it.each(['pyclink cache 2\n', 'pyclink sealed2\n', 'pyclink cache 12\n'])(
    'that begins with %j is not judged',
    (mark) => {
      expect(checkEntry(key, Buffer.from(`${mark}whatever comes`))).toBe('ofOtherVersion');
      expect(decodeEntry(key, Buffer.from(`${mark}whatever comes`))).toBeUndefined();
    },
  );
});

it('is refused with a valid seal and an invalid head', () => {
  const empty = createHash('sha256').digest('base64');
  const head = { key, levels: [[0, 0]], pycs: [[0, empty]], warnings: [] };
  const senseless = [
    ...[{}, [], null, 1, { key }],
    ...[{ levels: 1 }, { levels: [1] }, { levels: [[0, 1]] }, { levels: [[0, 'length']] }, { warnings: 1 }].map(
      (more) => ({ ...head, ...more }),
    ),
    ...[[[0]], [[1, empty]], [[-1, empty]], [['', empty]], [null]].map((pycs) => ({ ...head, pycs })),
  ];
  const content = Buffer.alloc(0);
  const entry = { pycs: [{ level: 0, content }], digests: new Digests(), warnings: [] };
  expect(decodeEntry(key, withHead(JSON.stringify(head)))).toEqual(entry);
  for (const other of senseless) expect(decodeEntry(key, withHead(JSON.stringify(other)))).toBeUndefined();
  expect(decodeEntry(key, withHead(''))).toBeUndefined();
});

/** An entry without pycs, whose seal is right. */
function withHead(head: string): Buffer {
  const sealed = `pyclink cache 1\n${head}\n`;
  return Buffer.from(`${sealed}${sha256Of(sealed)}\n`);
}
