import { resolve } from 'node:path';
import { invalidationModes } from '../pyc/header.ts';
import { type Level, layouts } from '../pyc/name.ts';
import { cacheOptions } from './cache-options.ts';
import {
  absoluteDirectory,
  anyText,
  each,
  flag,
  InvalidValue,
  once,
  oneFile,
  option,
  text,
  timeInSeconds,
  word,
} from './option-values.ts';

const file = oneFile();
const aDirectory = text('takes a directory');
const globs = each(text('takes a glob'));
const digits = ['0', '1', '2'] as const;
const digit = word(digits, 'takes 0, 1 or 2');
const levelList = Object.assign((given: string) => given.split(',').map((one) => Number(digit(one)) as Level), {
  choices: digits,
});
const number = text('takes a number of jobs', (given) => /^\d{1,4}$/.test(given));
const jobs = once((given) => Number(number(given)));

/** A JavaScript regular expression that may start with flags as in Python. @throws InvalidValue */
const regex = each((given) => {
  const [, flags = '', rest = given] = /^\(\?([ims]+)\)(.*)$/s.exec(given) ?? [];
  try {
    return new RegExp(rest, [...new Set(`u${flags}`)].join(''));
  } catch (error) {
    throw new InvalidValue(error instanceof Error ? error.message : `${error}`);
  }
});

const filelistFor = each((given) => {
  const [, glob, list] = /^([^=]+)=(.+)$/s.exec(given) ?? [];
  if (glob === undefined || list === undefined) throw new InvalidValue('takes GLOB=FILE');
  return { glob, file: list };
});

const tree = {
  buildroot: option('--buildroot <dir>', 'the staged tree (default: $RPM_BUILD_ROOT)', once(anyText)),
  inPlace: option('--in-place', 'compile for the running system, as in a container image', flag(false)),
  chroot: option('--chroot', 'run the interpreters of the buildroot, in a chroot there', flag(false)),
  prepend: option(
    '-p, --prepend <dir>',
    'prefix added to recorded file names; without --strip also where the tree will be installed (default: /)',
    once(absoluteDirectory, '/'),
  ),
  strip: option(
    '-s, --strip <dir>',
    'prefix removed from recorded file names (default: the buildroot)',
    once((given) => resolve(aDirectory(given))),
  ),
  mtimePolicy: option(
    '--mtime-policy <policy>',
    'clamp, set or keep (default: set with --mtime, clamp if SOURCE_DATE_EPOCH is set, else keep)',
    once(word(['clamp', 'set', 'keep'], 'takes clamp, set or keep')),
  ),
  mtime: option(
    '--mtime <time>',
    'the mtime for that policy: seconds since 1970 or a date (default: $SOURCE_DATE_EPOCH)',
    once(timeInSeconds),
  ),
};

const sources = {
  exclude: option('--exclude <glob>', 'do not compile sources whose installed path matches, repeatable', globs),
  excludeRegex: option(
    '-x, --exclude-regex <regex>',
    'do not compile sources whose staged path has a match, repeatable; a JavaScript regular expression, ' +
      'which may start with (?i), (?m) or (?s)',
    regex,
  ),
};

const compiling = {
  optimize: option(
    '-o, --optimize <level>',
    'optimization levels, such as 0,2; repeatable (default: 0,1,2; with --layout zip, 0)',
    each(levelList),
  ),
  layout: option(
    '--layout <layout>',
    'pycache, or zip: one m.pyc next to m.py, where zipimport looks (default: pycache)',
    once(word(layouts, `takes ${layouts.join(' or ')}`), 'pycache'),
  ),
  removeSources: option(
    '--remove-sources',
    'with --layout zip: remove each source whose pyc is written and verified',
    flag(false),
  ),
  python: option(
    '--python <command>',
    'interpreter for the PATHs (default: chosen by directory)',
    once(text('takes a command')),
  ),
  invalidationMode: option(
    '--invalidation-mode <mode>',
    'timestamp, checked-hash or unchecked-hash (default: timestamp; with --layout zip, unchecked-hash)',
    once(word(invalidationModes, `takes ${invalidationModes.join(', ')}`)),
  ),
  errors: option(
    '--errors <policy>',
    'fail or warn when a source does not compile (default: fail; with --in-place or --chroot, warn in site-packages)',
    once(word(['fail', 'warn'], 'takes fail or warn')),
  ),
  allowErrors: option('--allow-errors <glob>', 'sources whose errors are warnings, repeatable', globs),
  keepCurrent: option(
    '--keep-current',
    'skip sources whose pycs are current in header, recorded path, mode and normal form, and not corrupt. ' +
      'Only compiling can tell whether the code is that of the source: see audit --recompile',
    flag(false),
  ),
  jobs: option(
    '-j, --jobs <n>',
    'how many interpreters run at a time (default: $RPM_BUILD_NCPUS, parallel=, or one per CPU)',
    jobs,
  ),
  debugRanges: option(
    '--no-debug-ranges',
    'compile without the columns that tracebacks mark since Python 3.11, for smaller pycs',
    flag(true),
  ),
  link: option('--no-link', 'compile only', flag(true)),
  normalize: option('--no-normalize', "keep compileall's bytes, which may differ from build to build", flag(true)),
};

const output = {
  manifest: option('--manifest <file>', 'write a manifest of what was compiled and linked', file),
  append: option('--append', 'add to the manifest of earlier runs', flag(false)),
  filelist: option('--filelist <file>', 'write a list for %files -f', file),
  filelistFor: option(
    '--filelist-for <glob=file>',
    'the same for sources whose installed path matches, repeatable',
    filelistFor,
  ),
  html: option('--html <file>', 'write an HTML page with the savings', file),
  prune: option(
    '--prune',
    'remove old pycs in the PATHs: stale ones, those without a source, and those of other levels or other Pythons',
    flag(false),
  ),
  record: option(
    '--no-record',
    'with --in-place, --chroot, --remove-sources or --prune: leave the RECORD of distributions as it is',
    flag(true),
  ),
  dryRun: option('--dry-run', 'report what would be done, and change nothing', flag(false)),
};

/** The options of `build` by their headings in help. To add an option, add an entry here, and use it in a stage. */
export const buildOptionGroups = {
  'The tree:': tree,
  'Which sources:': sources,
  'How they are compiled:': compiling,
  'What is written:': output,
  'The cache:': cacheOptions,
};

/** The options of `build`, in the order of help. */
export const buildOptions = { ...tree, ...sources, ...compiling, ...output, ...cacheOptions };
