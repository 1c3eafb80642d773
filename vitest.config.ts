import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'integration/**/*.test.ts'],
    globalSetup: ['test/helpers/bundle.ts', 'integration/helpers/chroots.ts', 'integration/helpers/worlds-line.ts'],
    testTimeout: 120_000,
    // Removing a large tree can take a while on a busy machine.
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
