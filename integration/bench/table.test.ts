import { expect, test } from 'vitest';
import { startTimesPicture } from './picture.ts';
import { rowsOf, rowsText, verdictText } from './table.ts';

const run = (wallSeconds: number, userSeconds: number) => ({
  wallSeconds,
  userSeconds,
  systemSeconds: 0.5,
  peakBytes: 1024 * 1024,
  mainSeconds: 0.1,
});

test('a table has medians, and ratios by round with their extremes', () => {
  const rows = rowsOf([
    { name: 'ours', runs: [run(1, 0.5), run(2, 1.5), run(9, 2.5)] },
    { name: 'theirs', runs: [run(2, 1.5), run(8, 3.5), run(12, 2.5)] },
    { name: 'slow', runs: [run(10, 9.5)] },
  ]);
  expect(rowsText(rows)).toBe(`\
|                | wall s | user s | system s | peak MiB | wall ratio          | CPU ratio           |
| ---            | ---    | ---    | ---      | ---      | ---                 | ---                 |
| ours           | 2.00   | 1.50   | 0.50     | 1        |                     |                     |
| theirs         | 8.00   | 2.50   | 0.50     | 1        | 0.50 (0.25 to 0.75) | 0.50 (0.50 to 1.00) |
| slow (1 round) | 10.00  | 9.50   | 0.50     | 1        | 0.10 (0.10 to 0.10) | 0.10 (0.10 to 0.10) |
`);
});

test('the median of an even number of rounds is the mean of the middle two', () => {
  expect(rowsOf([{ name: 'ours', runs: [run(1, 1), run(4, 4), run(2, 2), run(9, 9)] }])[0]?.wallSeconds).toBe(3);
});

test.each([
  [0.6, 'time: 0.60, wanted at most 0.6: met\n'],
  [0.61, 'time: 0.61, wanted at most 0.6: MISSED\n'],
])('a verdict on %f says whether the target was met', (value, text) => {
  expect(verdictText({ what: 'time', value, atMost: 0.6 })).toBe(text);
});

test('a picture of start times has a bar for each row, as long as its time, and the sizes', () => {
  const rows = rowsOf([
    { name: 'pyclink: 3 levels, python3', runs: [run(1, 1)] },
    { name: 'theirs, python3', runs: [run(2, 2)] },
  ]);
  const verdicts = ['pyclink: 3 levels', 'theirs'].map((image, i) => ({ what: `MiB with ${image}`, value: 100 + i }));
  const picture = startTimesPicture(rows, verdicts, 'Start');
  expect(
    [...picture.matchAll(/class="(ours|other)" .* width="(\d+)"/g)].map(([, kind, width]) => [kind, width]),
  ).toEqual([
    ['ours', '195'],
    ['other', '390'],
  ]);
  expect(picture).toContain(
    '<title id="title">Start. pyclink: 3 levels, python3: 1.00 s; theirs, python3: 2.00 s.</title>',
  );
  expect(picture).toMatch(/>100 MiB<.*>101 MiB</s);
  expect(picture).toContain('prefers-color-scheme: dark');
});
