import { expect, it } from 'vitest';
import { LaneDirector, LaneReporter } from '../../src/lanes/lane-control.ts';

it('counts what lanes have written, and has them finish', () => {
  const director = new LaneDirector(2);
  const lanes = [0, 1].map((lane) => new LaneReporter(director.control, lane));
  for (const lane of lanes) expect(lane.write(() => 7)).toBe(7);
  expect(director.done).toBe(2);
  expect(lanes.map(({ isOver }) => isOver)).toEqual([false, false]);
  director.finish();
  expect(lanes.map(({ isOver }) => isOver)).toEqual([true, true]);
  // What was taken is still written.
  expect(lanes[0]?.write(() => 8)).toBe(8);
});

it('does not count as writing after an error', () => {
  const director = new LaneDirector(1);
  const lane = new LaneReporter(director.control, 0);
  const fail = () => {
    throw new Error('disk on fire');
  };
  expect(() => lane.write(fail)).toThrow('disk on fire');
  director.freeze();
  expect(lane.isOver).toBe(true);
});
