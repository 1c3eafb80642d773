import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../src/compile/byte-reader.ts';

/** Everything a reader gives when it is asked for portions of these lengths. */
async function portions(stream: Readable, lengths: readonly number[]): Promise<(string | undefined)[]> {
  const reader = new ByteReader(stream);
  const read: (string | undefined)[] = [];
  for (const length of lengths) read.push((await reader.read(length))?.toString('latin1'));
  return read;
}

describe('ByteReader', () => {
  it('returns the requested blocks, however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 }),
        fc.array(fc.nat(30), { maxLength: 8 }),
        async (chunks, lengths) => {
          const whole = Buffer.concat(chunks).toString('latin1');
          const total = lengths.reduce((sum, length) => sum + length, 0);
          fc.pre(total <= whole.length);
          const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + length, 0));
          const expected = lengths.map((length, i) => whole.slice(starts[i], (starts[i] as number) + length));
          const stream = Readable.from(
            chunks.map((chunk) => Buffer.from(chunk)),
            { objectMode: false },
          );
          expect(await portions(stream, lengths)).toEqual(expected);
        },
      ),
    );
  });

  it('waits for bytes', async () => {
    const stream = new PassThrough();
    const reading = portions(stream, [4, 2]);
    for (const chunk of ['ab', 'c', 'def']) {
      await new Promise((resolve) => setImmediate(resolve));
      stream.write(chunk);
    }
    expect(await reading).toEqual(['abcd', 'ef']);
  });

  it.each([
    ['ends', (stream: PassThrough) => stream.end()],
    ['is destroyed', (stream: PassThrough) => stream.destroy()],
  ])('returns undefined when the stream %s within a block', async (_, stop) => {
    const stream = new PassThrough();
    stream.write('abc');
    const reader = new ByteReader(stream);
    expect((await reader.read(2))?.toString()).toBe('ab');
    const reading = reader.read(2);
    await new Promise((resolve) => setImmediate(resolve));
    stop(stream);
    expect(await reading).toBeUndefined();
  });

  it('ends if there is no memory for a block', async () => {
    const stream = Readable.from([Buffer.alloc(100_000)], { objectMode: false });
    expect(await portions(stream, [Number.MAX_SAFE_INTEGER])).toEqual([undefined]);
  });

  it('needs little more memory than a block', async () => {
    const chunk = Buffer.alloc(1_000_000);
    const stream = Readable.from(
      (function* () {
        for (let i = 0; i < 300; i++) yield chunk;
      })(),
      { objectMode: false },
    );
    const portion = await new ByteReader(stream).read(300_000_000);
    expect(portion).toHaveLength(300_000_000);
    expect(portion?.buffer.byteLength).toBeLessThan(400_000_000);
  });
});
