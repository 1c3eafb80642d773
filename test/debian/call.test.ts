import fc from 'fast-check';
import { expect, it } from 'vitest';
import { globMatcher } from '../../src/buildroot/exclude.ts';
import { globOfText } from '../../src/debian/call.ts';

const text = fc
  .string({ minLength: 1, unit: 'grapheme' })
  .filter((value) => !/[\n\0]|^\.{1,2}$|\/\/|\/\.{0,2}\//.test(value));

it('-X excludes names with the text, whatever the text is', async () => {
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      const matches = await globMatcher([globOfText(value)]);
      expect(matches(`/usr/share/a${value}b.py`)).toBe(true);
      expect(matches('/usr')).toBe('/usr'.includes(value));
    }),
  );
});
