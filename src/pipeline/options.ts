import type { Only } from '../buildroot/discover.ts';
import type { MtimePolicy } from '../buildroot/mtime.ts';
import type { Environment } from '../compile/environment.ts';
import { PyclinkError } from '../errors.ts';
import { plainPath } from '../files/path.ts';
import type { InvalidationMode } from '../pyc/header.ts';
import { levels as allLevels, type Level } from '../pyc/name.ts';
import { type CacheRequest, type cacheOptions, cacheRequest } from './cache-options.ts';
import { buildOptions } from './option-table.ts';
import { anyText, flagOf, once, readValues, text, type ValuesOf, variable } from './option-values.ts';

/** The options of a build, completed from the environment. */
export type BuildOptions = Readonly<
  Omit<
    ValuesOf<typeof buildOptions>,
    'optimize' | 'invalidationMode' | 'mtimePolicy' | 'mtime' | keyof typeof cacheOptions
  >
> & {
  readonly paths: readonly string[];
  /** Sorted, without duplicates. */
  readonly levels: readonly Level[];
  readonly invalidationMode: InvalidationMode;
  readonly mtime: MtimePolicy;
  readonly jobs: number;
  readonly only?: Only;
  /** The named interpreter may be in the buildroot. */
  readonly pythonMayBeStaged?: boolean;
  /** Only existing pycs are compiled again. */
  readonly addsNothing?: boolean;
  /** The buildroot is one package whose mtimes are all clamped: sources outside the PATHs get their mtimes too. */
  readonly isPackage?: boolean;
  readonly cache?: CacheRequest;
  /** The reason why the requested cache cannot be used. */
  readonly cacheProblem?: string;
};

/** Environment variables that provide options. */
export const buildVariables = {
  RPM_BUILD_ROOT: variable('the buildroot, unless --buildroot is given', once(anyText)),
  RPM_BUILD_NCPUS: variable(
    'jobs of build, unless --jobs is given',
    once(text('takes a number of jobs', (given) => /^\d{0,4}$/.test(given))),
  ),
  DEB_BUILD_OPTIONS: variable(
    'parallel=N: jobs of build, unless RPM_BUILD_NCPUS is set',
    once((given) => Number(/(?:^|\s)parallel=(\d{1,4})(?:\s|$)/.exec(given)?.[1] ?? 0)),
  ),
  /** Empty means unset, as in other tools. @see the specification on reproducible-builds.org */
  SOURCE_DATE_EPOCH: variable(
    'seconds since 1970; see --mtime-policy of build',
    once(text('takes seconds since 1970, a whole number of 0 or more', (given) => /^\d{0,11}$/.test(given))),
  ),
};

/**
 * Reads the flags of `build` and the environment variables that provide options.
 * @param flags by the keys of `buildOptions`; values as text, repeatable ones as arrays of text
 * @param availableCpus how many CPUs this process may use
 * @throws PyclinkError `usage`, naming every problem
 */
export function readBuildOptions(
  paths: readonly string[],
  flags: object,
  environment: Environment,
  availableCpus: number,
): BuildOptions {
  const problems: string[] = [];
  const values = readValues(buildOptions, flags, flagOf, problems);
  const env = readValues(buildVariables, environment, (name) => name, problems);
  if (problems.length > 0) throw usageError(problems);
  const {
    optimize,
    invalidationMode,
    mtimePolicy,
    mtime: time,
    cacheDir,
    cache,
    recache,
    cacheVerify,
    ...given
  } = values;
  const cacheFlags = { cacheDir, cache, recache, cacheVerify };
  const epochSeconds = time ?? (env.SOURCE_DATE_EPOCH ? Number(env.SOURCE_DATE_EPOCH) : undefined);
  const policy = mtimePolicy ?? (time !== undefined ? 'set' : epochSeconds === undefined ? 'keep' : 'clamp');
  if (policy !== 'keep' && epochSeconds === undefined) {
    problems.push(`--mtime-policy: ${policy} needs --mtime or SOURCE_DATE_EPOCH`);
  }
  if (policy === 'keep' && time !== undefined) problems.push('--mtime: conflicts with --mtime-policy=keep');
  if (given.inPlace && given.buildroot !== undefined) problems.push('--in-place: conflicts with --buildroot');
  if (given.chroot && given.strip === undefined && plainPath(given.prepend) !== '/') {
    problems.push('--chroot: needs a buildroot that will be installed at /');
  }
  if (given.inPlace && given.chroot) problems.push('--chroot: conflicts with --in-place');
  const isZip = given.layout === 'zip';
  const levels: readonly Level[] = [...new Set(optimize.flat())].sort();
  if (isZip && levels.length > 1)
    problems.push('--layout zip: takes one level, such as -o 0, because a module has one pyc there');
  if (isZip && given.keepCurrent)
    problems.push('--keep-current: conflicts with --layout zip, whose pyc names do not tell the level');
  if (given.removeSources && !isZip)
    problems.push('--remove-sources: needs --layout zip, otherwise no import finds the pycs');
  if (given.removeSources && given.inPlace && paths.length === 0)
    problems.push('--remove-sources: needs a PATH with --in-place');
  const level = 'optimize' in flags ? paths.find((path) => /^[012]$/.test(path)) : undefined;
  if (level !== undefined)
    problems.push(`${level}: read as a PATH; write several levels as -o 0,1,2 or -o 0 -o 1 -o 2`);
  if (given.append && given.manifest === undefined) problems.push('--append: needs --manifest');
  if (problems.length > 0) throw usageError(problems);
  const mtime: MtimePolicy =
    policy === 'keep' || epochSeconds === undefined ? { policy: 'keep' } : { policy, epochSeconds };
  return Object.freeze({
    ...given,
    buildroot: given.buildroot ?? env.RPM_BUILD_ROOT,
    paths,
    levels: levels.length > 0 ? levels : isZip ? ([0] as const) : allLevels,
    invalidationMode: invalidationMode ?? (isZip ? 'unchecked-hash' : 'timestamp'),
    mtime,
    ...cacheRequest(cacheFlags, environment),
    jobs: given.jobs || Number(env.RPM_BUILD_NCPUS ?? 0) || env.DEB_BUILD_OPTIONS || availableCpus,
  });
}

function usageError(problems: readonly string[]): PyclinkError {
  return new PyclinkError('usage', problems.join('; '), { hint: 'see pyclink build --help' });
}
