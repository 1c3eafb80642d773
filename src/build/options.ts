import * as z from 'zod';
import type { MtimePolicy } from './buildroot/mtime-policy.ts';
import type { Environment } from './bytecode/environment.ts';
import { type InvalidationMode, invalidationModes } from './bytecode/pyc-header.ts';
import type { Level } from './bytecode/pyc-name.ts';
import { PyclinkError } from './errors.ts';

/** Everything that a build is told. */
export interface BuildOptions {
  readonly buildroot: string | undefined;
  readonly paths: readonly string[];
  readonly python: string | undefined;
  /** Sorted, each once. */
  readonly levels: readonly Level[];
  readonly strip: string | undefined;
  readonly prepend: string;
  readonly invalidationMode: InvalidationMode;
  readonly mtime: MtimePolicy;
  readonly excludeRegexes: readonly RegExp[];
  readonly excludeGlobs: readonly string[];
  readonly errors: 'fail' | 'warn';
  readonly allowErrorsGlobs: readonly string[];
  readonly jobs: number;
  readonly link: boolean;
  /** Bytecode in normal form, whatever the interpreter's history was. */
  readonly normalize: boolean;
  readonly keepCurrent: boolean;
  readonly manifest: string | undefined;
  readonly append: boolean;
  readonly filelist: string | undefined;
  /** Lists of the pycs of the sources that match a glob: one for each subpackage. */
  readonly filelistsFor: readonly { readonly glob: string; readonly file: string }[];
  readonly dryRun: boolean;
}

const level = z.enum(['0', '1', '2'], 'takes 0, 1 or 2').transform((text) => Number(text) as Level);
const count = z
  .string()
  .regex(/^\d{1,4}$/, 'takes a number of jobs')
  .transform(Number);
const globs = z.array(z.string().min(1, 'takes a glob')).default([]);

const regex = z.string().transform((text, context) => {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    context.addIssue(`${error instanceof Error ? error.message : error}`);
    return z.NEVER;
  }
});

const filelistFor = z.string().transform((text, context) => {
  const [, glob, file] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (glob !== undefined && file !== undefined) return { glob, file };
  context.addIssue('takes GLOB=FILE');
  return z.NEVER;
});

const flagsSchema = z.strictObject({
  buildroot: z.string().optional(),
  python: z.string().min(1, 'takes a command').optional(),
  optimize: z.array(level).default([0, 1, 2]),
  strip: z.string().startsWith('/', 'takes an absolute directory').optional(),
  prepend: z.string().default('/'),
  invalidationMode: z.enum(invalidationModes, `takes ${invalidationModes.join(', ')}`).default('timestamp'),
  mtimePolicy: z.enum(['clamp', 'set', 'keep'], 'takes clamp, set or keep').optional(),
  excludeRegex: z.array(regex).default([]),
  exclude: globs,
  errors: z.enum(['fail', 'warn'], 'takes fail or warn').default('fail'),
  allowErrors: globs,
  jobs: count.optional(),
  link: z.boolean().default(true),
  normalize: z.boolean().default(true),
  keepCurrent: z.boolean().default(false),
  manifest: z.string().min(1, 'takes a file').optional(),
  append: z.boolean().default(false),
  filelist: z.string().min(1, 'takes a file').optional(),
  filelistFor: z.array(filelistFor).default([]),
  dryRun: z.boolean().default(false),
});

const environmentSchema = z.object({
  RPM_BUILD_ROOT: z.string().optional(),
  /** Empty is unset, as in every tool that reads it. @see reproducible-builds.org's specification */
  SOURCE_DATE_EPOCH: z
    .string()
    .regex(/^\d{0,11}$/, 'takes seconds since 1970, a whole number of 0 or more')
    .optional(),
  RPM_BUILD_NCPUS: z
    .string()
    .regex(/^\d{0,4}$/, 'takes a number of jobs')
    .optional(),
  DEB_BUILD_OPTIONS: z.string().default(''),
});

/**
 * Reads the flags of `build` and the environment variables that stand in for them.
 * @param availableCpus how many CPUs this process may use
 * @throws PyclinkError `usage`, which names every problem there is
 */
export function readBuildOptions(
  paths: readonly string[],
  flags: unknown,
  environment: Environment,
  availableCpus: number,
): BuildOptions {
  const read = z.object({ flags: flagsSchema, environment: environmentSchema }).safeParse({ flags, environment });
  if (!read.success) throw usageError(read.error.issues.map(({ path, message }) => `${label(path)}: ${message}`));
  const { flags: flag, environment: env } = read.data;
  const epochSeconds = env.SOURCE_DATE_EPOCH ? Number(env.SOURCE_DATE_EPOCH) : undefined;
  const policy = flag.mtimePolicy ?? (epochSeconds === undefined ? 'keep' : 'clamp');
  const problems: string[] = [];
  if (policy !== 'keep' && epochSeconds === undefined) {
    problems.push(`--mtime-policy: ${policy} needs SOURCE_DATE_EPOCH, which is not set`);
  }
  if (flag.append && flag.manifest === undefined) problems.push('--append: needs --manifest');
  if (problems.length > 0) throw usageError(problems);
  const mtime: MtimePolicy =
    policy === 'keep' || epochSeconds === undefined ? { policy: 'keep' } : { policy, epochSeconds };
  const debianJobs = /(?:^|\s)parallel=(\d{1,4})(?:\s|$)/.exec(env.DEB_BUILD_OPTIONS)?.[1];
  return Object.freeze({
    buildroot: flag.buildroot ?? env.RPM_BUILD_ROOT,
    paths,
    python: flag.python,
    levels: [...new Set(flag.optimize)].sort(),
    strip: flag.strip,
    prepend: flag.prepend,
    invalidationMode: flag.invalidationMode,
    mtime,
    excludeRegexes: flag.excludeRegex,
    excludeGlobs: flag.exclude,
    errors: flag.errors,
    allowErrorsGlobs: flag.allowErrors,
    jobs: flag.jobs || Number(env.RPM_BUILD_NCPUS ?? 0) || Number(debianJobs ?? 0) || availableCpus,
    link: flag.link,
    normalize: flag.normalize,
    keepCurrent: flag.keepCurrent,
    manifest: flag.manifest,
    append: flag.append,
    filelist: flag.filelist,
    filelistsFor: flag.filelistFor,
    dryRun: flag.dryRun,
  });
}

function usageError(problems: readonly string[]): PyclinkError {
  return new PyclinkError('usage', problems.join('; '), { hint: 'see pyclink build --help' });
}

/** The flag or variable that an issue is about, as the user writes it. */
function label([group, name]: readonly PropertyKey[]): string {
  if (group !== 'flags') return String(name);
  return `--${String(name).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
