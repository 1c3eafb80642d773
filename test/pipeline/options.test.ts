import { describe, expect, it } from 'vitest';
import { type BuildOptions, readBuildOptions } from '../../src/pipeline/options.ts';

const defaults: BuildOptions = {
  buildroot: undefined,
  paths: [],
  python: undefined,
  levels: [0, 1, 2],
  strip: undefined,
  prepend: '/',
  inPlace: false,
  record: true,
  prune: false,
  chroot: false,
  layout: 'pycache',
  removeSources: false,
  invalidationMode: 'timestamp',
  mtime: { policy: 'keep' },
  excludeRegex: [],
  exclude: [],
  errors: undefined,
  allowErrors: [],
  jobs: 4,
  link: true,
  normalize: true,
  debugRanges: true,
  keepCurrent: false,
  manifest: undefined,
  append: false,
  filelist: undefined,
  filelistFor: [],
  html: undefined,
  dryRun: false,
};

const read = (flags: object, environment: Record<string, string> = {}, paths: string[] = []) =>
  readBuildOptions(paths, flags, environment, 4);
const setAt = (epochSeconds: number) => ({ mtime: { policy: 'set', epochSeconds } });
const clampedAt = (epochSeconds: number) => ({ mtime: { policy: 'clamp', epochSeconds } });

describe('readBuildOptions', () => {
  it.each<[string, object, Record<string, string>, object]>([
    ['nothing', {}, {}, {}],
    ['variables that it does not know', {}, { HOME: '/home/user', SOURCE: '1' }, {}],
    ['the buildroot of rpmbuild', {}, { RPM_BUILD_ROOT: '/b' }, { buildroot: '/b' }],
    ['a buildroot before that of rpmbuild', { buildroot: '/a' }, { RPM_BUILD_ROOT: '/b' }, { buildroot: '/a' }],
    ['an empty buildroot before that of rpmbuild', { buildroot: '' }, { RPM_BUILD_ROOT: '/b' }, { buildroot: '' }],
    ['levels in any order, twice', { optimize: ['2', '0', '2'] }, {}, { levels: [0, 2] }],
    [
      'names for the bytecode',
      { strip: '/build', prepend: '/usr', python: 'python3.9' },
      {},
      { strip: '/build', prepend: '/usr', python: 'python3.9' },
    ],
    ['a mode, also under SOURCE_DATE_EPOCH', { mtimePolicy: 'keep' }, { SOURCE_DATE_EPOCH: '1' }, {}],
    ['SOURCE_DATE_EPOCH: clamp', {}, { SOURCE_DATE_EPOCH: '1500000000' }, clampedAt(1_500_000_000)],
    ['SOURCE_DATE_EPOCH 0', {}, { SOURCE_DATE_EPOCH: '0' }, clampedAt(0)],
    ['an empty SOURCE_DATE_EPOCH', {}, { SOURCE_DATE_EPOCH: '' }, {}],
    ['set', { mtimePolicy: 'set' }, { SOURCE_DATE_EPOCH: '7' }, { mtime: { policy: 'set', epochSeconds: 7 } }],
    ['a layout', { layout: 'zip' }, {}, { layout: 'zip', levels: [0], invalidationMode: 'unchecked-hash' }],
    [
      'a layout, with all that may be chosen',
      { layout: 'zip', optimize: ['2', '2'], invalidationMode: 'timestamp', removeSources: true },
      {},
      { layout: 'zip', levels: [2], removeSources: true },
    ],
    ['another invalidation mode', { invalidationMode: 'unchecked-hash' }, {}, { invalidationMode: 'unchecked-hash' }],
    [
      'what to leave out',
      { excludeRegex: ['a.b', '\\p{L}'], exclude: ['*.py'], allowErrors: ['bad'], errors: 'warn' },
      {},
      { excludeRegex: [/a.b/u, /\p{L}/u], exclude: ['*.py'], allowErrors: ['bad'], errors: 'warn' },
    ],
    [
      "Python's flags of a regex",
      { excludeRegex: ['(?i)TESTS', '(?sm)^a.b$', '(?ii)x', '(?:i)y'] },
      {},
      { excludeRegex: [/TESTS/iu, /^a.b$/msu, /x/iu, /(?:i)y/u] },
    ],
    ['a day that some years have', { mtime: '2024-02-29' }, {}, setAt(Date.UTC(2024, 1, 29) / 1000)],
    ['the last second of a day', { mtime: '1970-01-01T23:59:59Z' }, {}, setAt(86_399)],
    ['seconds', { mtime: '00012' }, {}, setAt(12)],
    [
      'switches',
      { link: false, keepCurrent: true, dryRun: true, debugRanges: false },
      {},
      { link: false, keepCurrent: true, dryRun: true, debugRanges: false },
    ],
    ['files', { manifest: 'm', append: true, filelist: 'f' }, {}, { manifest: 'm', append: true, filelist: 'f' }],
    [
      'file lists for subpackages',
      { filelistFor: ['/usr/lib/**=a.list', 'tests=dir/b=c'] },
      {},
      {
        filelistFor: [
          { glob: '/usr/lib/**', file: 'a.list' },
          { glob: 'tests', file: 'dir/b=c' },
        ],
      },
    ],
  ])('reads %s', (_name, flags, environment, expected) => {
    expect(read(flags, environment)).toEqual({ ...defaults, ...expected });
  });

  it.each<[number, object, Record<string, string>]>([
    [4, {}, {}],
    [2, { jobs: '2' }, { RPM_BUILD_NCPUS: '3', DEB_BUILD_OPTIONS: 'parallel=5' }],
    [3, {}, { RPM_BUILD_NCPUS: '3', DEB_BUILD_OPTIONS: 'parallel=5' }],
    [5, {}, { DEB_BUILD_OPTIONS: 'nocheck parallel=5 terse' }],
    [5, {}, { DEB_BUILD_OPTIONS: 'parallel=5', RPM_BUILD_NCPUS: '' }],
    [4, {}, { DEB_BUILD_OPTIONS: 'parallel=x noparallel=7 parallel=0' }],
    [3, { jobs: '0' }, { RPM_BUILD_NCPUS: '3' }],
    [4, { jobs: '0' }, {}],
  ])('runs %i jobs with %o and %o', (jobs, flags, environment) => {
    expect(read(flags, environment).jobs).toBe(jobs);
  });

  it('returns the PATHs, and frozen options', () => {
    const options = read({}, {}, ['/usr', 'relative']);
    expect(options.paths).toEqual(['/usr', 'relative']);
    expect(Object.isFrozen(options)).toBe(true);
  });

  it.each<[string, object, Record<string, string>]>([
    ['--optimize: takes 0, 1 or 2', { optimize: ['0', '3'] }, {}],
    ['--jobs: takes a number of jobs', { jobs: '-1' }, {}],
    ['--jobs: takes a number of jobs', { jobs: '12345' }, {}],
    ['--strip: takes a directory', { strip: '' }, {}],
    ['--python: takes a command', { python: '' }, {}],
    ['--invalidation-mode: takes timestamp, checked-hash, unchecked-hash', { invalidationMode: 'x' }, {}],
    ['--layout: takes pycache or zip', { layout: 'wheel' }, {}],
    ['--mtime-policy: takes clamp, set or keep', { mtimePolicy: 'x' }, {}],
    ['--mtime-policy: clamp needs --mtime or SOURCE_DATE_EPOCH', { mtimePolicy: 'clamp' }, {}],
    ['--mtime-policy: set needs --mtime or SOURCE_DATE_EPOCH', { mtimePolicy: 'set' }, { SOURCE_DATE_EPOCH: '' }],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '2020-02-30' },
      {},
    ],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '2023-02-29' },
      {},
    ],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '2020-04-31T00:00:00Z' },
      {},
    ],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '2020-13-01' },
      {},
    ],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '2020-00-10' },
      {},
    ],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '2020-01-00' },
      {},
    ],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '2020-01-01T24:00:00Z' },
      {},
    ],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '2016-12-31T23:59:60Z' },
      {},
    ],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '2020-01-01T00:60:00Z' },
      {},
    ],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '1969-12-31' },
      {},
    ],
    ['--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z', { mtime: '-1' }, {}],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '1.5' },
      {},
    ],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '2020-01-01T00:00:00' },
      {},
    ],
    [
      '--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
      { mtime: '2020-01-01T00:00:00+01:00' },
      {},
    ],
    ['--mtime: takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z', { mtime: '' }, {}],
    ['--prepend: takes an absolute directory', { prepend: 'x/y' }, {}],
    ['--prepend: takes an absolute directory', { prepend: '' }, {}],
    ['--exclude-regex: Invalid regular expression: /a\\Z/u: Invalid escape', { excludeRegex: ['a\\Z'] }, {}],
    ['--exclude-regex: Invalid regular expression: /(?P<a>b)/u: Invalid group', { excludeRegex: ['(?P<a>b)'] }, {}],
    ['--errors: takes fail or warn', { errors: 'x' }, {}],
    ['--manifest: takes a file', { manifest: '' }, {}],
    ['--filelist: takes a file', { filelist: '' }, {}],
    ['--append: needs --manifest', { append: true }, {}],
    ['--exclude-regex: Invalid regular expression: /(/u: Unterminated group', { excludeRegex: ['('] }, {}],
    ['--filelist-for: takes GLOB=FILE', { filelistFor: ['a=b', 'file'] }, {}],
    ['--filelist-for: takes GLOB=FILE', { filelistFor: ['=file'] }, {}],
    ['--filelist-for: takes GLOB=FILE', { filelistFor: ['glob='] }, {}],
    [
      '--optimize: takes 0, 1 or 2; --errors: takes fail or warn; --jobs: takes a number of jobs',
      { optimize: ['x'], jobs: 'x', errors: 'x' },
      {},
    ],
    [
      '--mtime-policy: set needs --mtime or SOURCE_DATE_EPOCH; --append: needs --manifest',
      { mtimePolicy: 'set', append: true },
      {},
    ],
  ])('refuses: %s', (message, flags, environment) => {
    expect(() => read(flags, environment)).toThrow(
      expect.objectContaining({ code: 'usage', exitStatus: 2, message, hint: 'see pyclink build --help' }),
    );
  });
});
