import { expect, it, vi } from 'vitest';
import { Pace } from '../../src/lanes/pace.ts';

it('tells how many answers come in a second of late, and that none come any more', () => {
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  try {
    const pace = new Pace();
    expect(pace.perSecond).toBe(0);
    for (let i = 0; i < 100; i++) {
      now += 10;
      pace.tick();
    }
    expect(pace.perSecond).toBeGreaterThan(95);
    expect(pace.perSecond).toBeLessThan(110);
    now += 1850;
    expect(pace.perSecond).toBe(8);
  } finally {
    clock.mockRestore();
  }
});
