import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Numbers } from '../../src/marshal/numbers.ts';

it('a list of numbers returns what was stored since it was cleared', () => {
  const list = new Numbers();
  const numbers = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 5000 });
  fc.assert(
    fc.property(numbers, fc.nat(), (items, index) => {
      list.clear();
      for (const item of items) list.push(item);
      const at = index % items.length;
      list.set(at, 7);
      expect(Array.from({ length: list.length }, (_, i) => list.at(i))).toEqual(items.with(at, 7));
    }),
  );
});

it('a list of numbers is a stack too', () => {
  const list = new Numbers();
  for (const item of [5, 6, 7, 8]) list.push(item);
  expect(list.pop()).toBe(8);
  list.truncate(1);
  list.put(3, 9);
  expect(Array.from({ length: list.length }, (_, i) => list.at(i))).toEqual([5, 0, 0, 9]);
});
