import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DistinctObjects } from '../../src/marshal/distinct-objects.ts';
import { Numbers } from '../../src/marshal/numbers.ts';

/** An object by what it is: its type byte, own bytes, and which of the earlier ones its children are. */
const item = fc.record({
  type: fc.constantFrom(1, 2),
  own: fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 }),
  children: fc.array(fc.nat(), { maxLength: 3 }),
});

it('gives equal objects one number, and counts their uses', () => {
  const objects = new DistinctObjects();
  fc.assert(
    fc.property(fc.array(item, { maxLength: 200 }), (items) => {
      const bytes = Buffer.from(items.map(({ own }) => `.${own}`).join(''));
      objects.begin(bytes);
      const stack = new Numbers();
      const numbers: number[] = [];
      const numberOf = new Map<string, number>();
      const uses = new Map<number, number>();
      let offset = 0;
      for (const { type, own, children } of items) {
        const found = numbers.length === 0 ? [] : children.map((child) => numbers[child % numbers.length] as number);
        stack.clear();
        stack.push(-1);
        for (const child of found) stack.push(child);
        const number = objects.merged(type, offset, 1 + own.length, stack, 1);
        const key = `${type} ${own} ${found}`;
        if (!numberOf.has(key)) for (const child of found) uses.set(child, (uses.get(child) ?? 0) + 1);
        expect(number).toBe(numberOf.get(key) ?? numberOf.size);
        numberOf.set(key, number);
        expect(Array.from({ length: objects.childCount(number) }, (_, i) => objects.child(number, i))).toEqual(found);
        numbers.push(number);
        offset += 1 + own.length;
      }
      for (const number of numbers) expect(objects.uses.at(number)).toBe(uses.get(number) ?? 0);
    }),
  );
});

it('keeps an unmerged object apart from its merged equals', () => {
  const objects = new DistinctObjects();
  objects.begin(Buffer.from('.a.a.a'));
  const none = new Numbers();
  expect([
    objects.apart(1, 0, 2, none, 0),
    objects.merged(1, 2, 2, none, 0),
    objects.apart(1, 0, 2, none, 0),
    objects.merged(1, 4, 2, none, 0),
  ]).toEqual([0, 1, 2, 1]);
});
