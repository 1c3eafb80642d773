import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { mergedFlags, withBuildOptions, withCommonOptions } from '../../src/cli/options.ts';
import { buildOptions } from '../../src/pipeline/option-table.ts';

const parse = (...args: string[]) =>
  withBuildOptions(withCommonOptions(new Command('build')))
    .parse(args, { from: 'user' })
    .opts();

describe('withBuildOptions', () => {
  it('returns every option under its key in the table', () => {
    const command = withBuildOptions(withCommonOptions(new Command('build')));
    const common = ['json', 'quiet', 'verbose'];
    const names = command.options.map((option) => option.attributeName()).filter((name) => !common.includes(name));
    expect(names).toEqual(Object.keys(buildOptions));
  });

  it('collects only the options that take several values', () => {
    const twice = ['--exclude', 'a', '--exclude', 'b', '-o', '0', '-o', '1', '--python', 'x', '--python', 'y'];
    expect(parse(...twice)).toMatchObject({ exclude: ['a', 'b'], optimize: ['0', '1'], python: 'y' });
    for (const { flags, help } of Object.values(buildOptions)) {
      const value = parse(...[flags.split(/[ ,]+/).find((word) => word.startsWith('--')) ?? '', 'x']);
      expect({ flags, isArray: Object.values(value).some(Array.isArray) }).toEqual({
        flags,
        isArray: help.includes('repeatable'),
      });
    }
  });
});

describe('mergedFlags', () => {
  it('joins repeatable flags, and takes the others from the second source', () => {
    const first = { exclude: ['a'], python: 'x', append: false };
    expect(mergedFlags(first, { exclude: ['b'], append: true })).toEqual({
      exclude: ['a', 'b'],
      python: 'x',
      append: true,
    });
  });
});
