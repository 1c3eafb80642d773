import type { Only } from '../buildroot/discover.ts';
import type { MtimePolicy } from '../buildroot/mtime-policy.ts';
import type { Environment } from '../compile/environment.ts';
import { PyclinkError } from '../errors.ts';
import { normalise } from '../files/path.ts';
import { invalidationModes } from '../pyc/header.ts';
import { levels as allLevels, type Level } from '../pyc/name.ts';
import { type CacheRequest, cacheOptions, cacheRequest } from './cache-options.ts';
import {
  absoluteDirectory,
  each,
  flag,
  flagOf,
  Misfit,
  once,
  oneFile,
  option,
  readAll,
  text,
  timeInSeconds,
  type ValuesOf,
  word,
} from './option-values.ts';

const file = oneFile();
const directory = text('takes a directory', () => true);
const globs = each(text('takes a glob'));
const digits = ['0', '1', '2'] as const;
const digit = word(digits, 'takes 0, 1 or 2');
const level = Object.assign((given: string) => Number(digit(given)) as Level, { choices: digits });
const number = text('takes a number of jobs', (given) => /^\d{1,4}$/.test(given));
const jobs = once((given) => Number(number(given)));

/** A regular expression of JavaScript. Flags at its start are as in Python. @throws Misfit */
const regex = each((given) => {
  const [, flags = '', rest = given] = /^\(\?([ims]+)\)(.*)$/s.exec(given) ?? [];
  try {
    return new RegExp(rest, [...new Set(`u${flags}`)].join(''));
  } catch (error) {
    throw new Misfit(error instanceof Error ? error.message : `${error}`);
  }
});

const filelistFor = each((given) => {
  const [, glob, list] = /^([^=]+)=(.+)$/s.exec(given) ?? [];
  if (glob === undefined || list === undefined) throw new Misfit('takes GLOB=FILE');
  return { glob, file: list };
});

/** The options of `build`, in the order of help. A new option is an entry here, and the stage that uses it. */
export const buildOptions = {
  buildroot: option('--buildroot <dir>', 'the staged tree (default: $RPM_BUILD_ROOT)', once(directory)),
  inPlace: option('--in-place', 'the running system is the tree, as in a container image', flag(false)),
  chroot: option('--chroot', 'the interpreters are those of the buildroot, started in it', flag(false)),
  python: option(
    '--python <command>',
    'interpreter for the PATHs (default: by directory)',
    once(text('takes a command')),
  ),
  optimize: option('-o, --optimize <level>', 'optimization level, repeatable (default: 0 1 2)', each(level, allLevels)),
  strip: option(
    '-s, --strip <dir>',
    'prefix removed from recorded file names (default: the buildroot)',
    once(absoluteDirectory),
  ),
  prepend: option(
    '-p, --prepend <dir>',
    'prefix added to recorded file names; without --strip also where the tree will lie (default: /)',
    once(absoluteDirectory, '/'),
  ),
  invalidationMode: option(
    '--invalidation-mode <mode>',
    'timestamp, checked-hash or unchecked-hash (default: timestamp)',
    once(word(invalidationModes, `takes ${invalidationModes.join(', ')}`), 'timestamp'),
  ),
  mtimePolicy: option(
    '--mtime-policy <policy>',
    'clamp, set or keep (default: set with --mtime, clamp if SOURCE_DATE_EPOCH is set, else keep)',
    once(word(['clamp', 'set', 'keep'], 'takes clamp, set or keep')),
  ),
  mtime: option(
    '--mtime <time>',
    'what sources get by that policy: seconds since 1970 or a date (default: $SOURCE_DATE_EPOCH)',
    once(timeInSeconds),
  ),
  excludeRegex: option(
    '-x, --exclude-regex <regex>',
    'do not compile sources whose staged path has a match, repeatable; a regular expression of JavaScript, ' +
      'with (?i), (?m) or (?s) at its start if need be',
    regex,
  ),
  exclude: option('--exclude <glob>', 'do not compile sources whose installed path matches, repeatable', globs),
  errors: option(
    '--errors <policy>',
    'fail or warn when a source does not compile (default: fail)',
    once(word(['fail', 'warn'], 'takes fail or warn'), 'fail'),
  ),
  allowErrors: option('--allow-errors <glob>', 'sources whose errors are warnings, repeatable', globs),
  jobs: option('-j, --jobs <n>', 'interpreters at a time (default: $RPM_BUILD_NCPUS, parallel=, or the CPUs)', jobs),
  link: option('--no-link', 'compile only', flag(true)),
  normalize: option('--no-normalize', 'keep the bytes of compileall, which may differ from build to build', flag(true)),
  record: option(
    '--no-record',
    'with --in-place or --chroot: do not list pycs in the RECORD of their distribution',
    flag(true),
  ),
  keepCurrent: option(
    '--keep-current',
    'skip sources whose pycs are as they would be made: header, recorded path, mode, normal form, whole code. ' +
      'Whether it is the code of this source and level, only compiling can tell: see audit --recompile',
    flag(false),
  ),
  manifest: option('--manifest <file>', 'write what was compiled and linked', file),
  append: option('--append', 'keep what earlier runs wrote to the manifest', flag(false)),
  filelist: option('--filelist <file>', 'write a list for %files -f', file),
  filelistFor: option(
    '--filelist-for <glob=file>',
    'the same for sources whose installed path matches, repeatable',
    filelistFor,
  ),
  html: option('--html <file>', 'write a page with the savings, for people', file),
  dryRun: option('--dry-run', 'say what would be done, and change nothing', flag(false)),
  ...cacheOptions,
};

type Table = typeof buildOptions;
type Readers = { readonly [K in keyof Table]: Table[K]['read'] };

/** The options of a build, completed from the environment. */
export type BuildOptions = Readonly<
  Omit<ValuesOf<Readers>, 'optimize' | 'mtimePolicy' | 'mtime' | keyof typeof cacheOptions>
> & {
  readonly paths: readonly string[];
  /** Sorted, each once. */
  readonly levels: readonly Level[];
  readonly mtime: MtimePolicy;
  readonly jobs: number;
  readonly only?: Only;
  /** The named interpreter may be in the buildroot. */
  readonly pythonMayBeStaged?: boolean;
  /** Only pycs that are there are written anew. */
  readonly addsNothing?: boolean;
  /** The buildroot is one package, all of whose mtimes are clamped: PATHs do not limit which sources get theirs. */
  readonly isPackage?: boolean;
  readonly cache?: CacheRequest;
  /** Why there is no cache, if one is asked for in a way that cannot be used. */
  readonly cacheProblem?: string;
};

/** The variables that stand in for options. */
const variables = {
  RPM_BUILD_ROOT: once(directory),
  /** Empty means unset, as in other tools. @see the specification on reproducible-builds.org */
  SOURCE_DATE_EPOCH: once(
    text('takes seconds since 1970, a whole number of 0 or more', (given) => /^\d{0,11}$/.test(given)),
  ),
  RPM_BUILD_NCPUS: once(text('takes a number of jobs', (given) => /^\d{0,4}$/.test(given))),
};

/**
 * Reads the flags of `build` and the environment variables that stand in for them.
 * @param flags by the keys of `buildOptions`; values as text, repeatable ones as arrays of text
 * @param availableCpus how many CPUs this process may use
 * @throws PyclinkError `usage`, which names every problem
 */
export function readBuildOptions(
  paths: readonly string[],
  flags: object,
  environment: Environment,
  availableCpus: number,
): BuildOptions {
  const problems: string[] = [];
  const readers = Object.fromEntries(Object.entries(buildOptions).map(([name, { read }]) => [name, read])) as Readers;
  const values = readAll(readers, flags, flagOf, problems);
  const env = readAll(variables, environment, (name) => name, problems);
  if (problems.length > 0) throw usageError(problems);
  const { optimize, mtimePolicy, mtime: time, cacheDir, cache, recache, cacheVerify, ...given } = values;
  const cacheFlags = { cacheDir, cache, recache, cacheVerify };
  const epochSeconds = time ?? (env.SOURCE_DATE_EPOCH ? Number(env.SOURCE_DATE_EPOCH) : undefined);
  const policy = mtimePolicy ?? (time !== undefined ? 'set' : epochSeconds === undefined ? 'keep' : 'clamp');
  if (policy !== 'keep' && epochSeconds === undefined) {
    problems.push(`--mtime-policy: ${policy} needs --mtime or SOURCE_DATE_EPOCH`);
  }
  if (policy === 'keep' && time !== undefined) problems.push('--mtime: the policy keep has no use for it');
  if (given.inPlace && given.buildroot !== undefined) problems.push('--in-place: there is no --buildroot then');
  if (given.chroot && given.strip === undefined && normalise(given.prepend) !== '/') {
    problems.push('--chroot: needs a buildroot that will lie at /');
  }
  if (given.inPlace && given.chroot) problems.push('--chroot: there is no buildroot with --in-place');
  if (given.append && given.manifest === undefined) problems.push('--append: needs --manifest');
  if (problems.length > 0) throw usageError(problems);
  const mtime: MtimePolicy =
    policy === 'keep' || epochSeconds === undefined ? { policy: 'keep' } : { policy, epochSeconds };
  const debianJobs = /(?:^|\s)parallel=(\d{1,4})(?:\s|$)/.exec(environment['DEB_BUILD_OPTIONS'] ?? '')?.[1];
  return Object.freeze({
    ...given,
    buildroot: given.buildroot ?? env.RPM_BUILD_ROOT,
    paths,
    levels: [...new Set(optimize)].sort(),
    mtime,
    ...cacheRequest(cacheFlags, environment),
    jobs: given.jobs || Number(env.RPM_BUILD_NCPUS ?? 0) || Number(debianJobs ?? 0) || availableCpus,
  });
}

function usageError(problems: readonly string[]): PyclinkError {
  return new PyclinkError('usage', problems.join('; '), { hint: 'see pyclink build --help' });
}
