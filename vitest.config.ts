import { defineConfig } from 'vitest/config';

const timeouts = {
  testTimeout: 120_000,
  // Removing a large tree can take a while on a busy machine.
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...timeouts, name: 'unit', include: ['test/**/*.test.ts'] } },
      {
        test: {
          ...timeouts,
          name: 'integration',
          include: ['integration/**/*.test.ts'],
          globalSetup: [
            'integration/helpers/bundle.ts',
            'integration/helpers/chroots.ts',
            'integration/helpers/worlds-line.ts',
          ],
        },
      },
    ],
  },
});
