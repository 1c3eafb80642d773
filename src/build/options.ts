import * as z from 'zod';
import type { MtimePolicy } from '../buildroot/mtime-policy.ts';
import type { Environment } from '../compile/environment.ts';
import { PyclinkError } from '../errors.ts';
import { invalidationModes } from '../pyc/header.ts';
import type { Level } from '../pyc/name.ts';

/** An option: its flags, its text in help and man page, and the schema of its value with the default. */
interface Option<S extends z.ZodType> {
  /** In commander's notation. The long flag, in camel case, is the key of the option. */
  readonly flags: string;
  readonly help: string;
  readonly schema: S;
}

function option<S extends z.ZodType>(flags: string, help: string, schema: S): Option<S> {
  return { flags, help, schema };
}

const text = (expected: string) => z.string().min(1, expected);
const file = text('takes a file').optional();
const globs = z.array(text('takes a glob')).default([]);
const off = z.boolean().default(false);
const on = z.boolean().default(true);

const levels = z
  .array(z.enum(['0', '1', '2'], 'takes 0, 1 or 2').transform((level) => Number(level) as Level))
  .default([0, 1, 2])
  .transform((given) => [...new Set(given)].sort());

const jobs = z
  .string()
  .regex(/^\d{1,4}$/, 'takes a number of jobs')
  .transform(Number)
  .optional();

const regex = z.string().transform((source, context) => {
  try {
    return new RegExp(source, 'u');
  } catch (error) {
    context.addIssue(`${error instanceof Error ? error.message : error}`);
    return z.NEVER;
  }
});

const filelistFor = z.string().transform((given, context) => {
  const [, glob, list] = /^([^=]+)=(.+)$/s.exec(given) ?? [];
  if (glob !== undefined && list !== undefined) return { glob, file: list };
  context.addIssue('takes GLOB=FILE');
  return z.NEVER;
});

/** The options of `build`, in the order of help. A new option is an entry here, and the stage that uses it. */
export const buildOptions = {
  buildroot: option('--buildroot <dir>', 'the staged tree (default: $RPM_BUILD_ROOT)', z.string().optional()),
  python: option(
    '--python <command>',
    'interpreter for the PATHs (default: by directory)',
    text('takes a command').optional(),
  ),
  optimize: option('-o, --optimize <level>', 'optimization level, repeatable (default: 0 1 2)', levels),
  strip: option(
    '-s, --strip <dir>',
    'prefix removed from recorded file names (default: the buildroot)',
    z.string().startsWith('/', 'takes an absolute directory').optional(),
  ),
  prepend: option('-p, --prepend <dir>', 'prefix added to recorded file names (default: /)', z.string().default('/')),
  invalidationMode: option(
    '--invalidation-mode <mode>',
    'timestamp, checked-hash or unchecked-hash (default: timestamp)',
    z.enum(invalidationModes, `takes ${invalidationModes.join(', ')}`).default('timestamp'),
  ),
  mtimePolicy: option(
    '--mtime-policy <policy>',
    'clamp, set or keep (default: clamp if SOURCE_DATE_EPOCH is set, else keep)',
    z.enum(['clamp', 'set', 'keep'], 'takes clamp, set or keep').optional(),
  ),
  excludeRegex: option(
    '-x, --exclude-regex <regex>',
    'do not compile sources whose staged path has a match, repeatable',
    z.array(regex).default([]),
  ),
  exclude: option('--exclude <glob>', 'do not compile sources whose installed path matches, repeatable', globs),
  errors: option(
    '--errors <policy>',
    'fail or warn when a source does not compile (default: fail)',
    z.enum(['fail', 'warn'], 'takes fail or warn').default('fail'),
  ),
  allowErrors: option('--allow-errors <glob>', 'sources whose errors are warnings, repeatable', globs),
  jobs: option('-j, --jobs <n>', 'interpreters at a time (default: $RPM_BUILD_NCPUS, parallel=, or the CPUs)', jobs),
  link: option('--no-link', 'compile only', on),
  normalize: option('--no-normalize', 'keep the bytes of compileall, which may differ from build to build', on),
  keepCurrent: option('--keep-current', 'skip sources whose pycs are all current', off),
  manifest: option('--manifest <file>', 'write what was compiled and linked', file),
  append: option('--append', 'keep what earlier runs wrote to the manifest', off),
  filelist: option('--filelist <file>', 'write a list for %files -f', file),
  filelistFor: option(
    '--filelist-for <glob=file>',
    'the same for sources whose installed path matches, repeatable',
    z.array(filelistFor).default([]),
  ),
  dryRun: option('--dry-run', 'say what would be done, and change nothing', off),
};

type Table = typeof buildOptions;
type Schemas = { readonly [K in keyof Table]: Table[K]['schema'] };

const flagsSchema = z.strictObject(
  Object.fromEntries(Object.entries(buildOptions).map(([name, { schema }]) => [name, schema])) as Schemas,
);

type Flags = z.output<typeof flagsSchema>;

/** The options of a build, completed from the environment. */
export type BuildOptions = Readonly<Omit<Flags, 'optimize' | 'mtimePolicy'>> & {
  readonly paths: readonly string[];
  /** Sorted, each once. */
  readonly levels: readonly Level[];
  readonly mtime: MtimePolicy;
  readonly jobs: number;
  /** Without PATHs: which installed paths are compiled, in place of every Python directory. */
  readonly only?: RegExp;
  /** The named interpreter may be in the buildroot. */
  readonly pythonMayBeStaged?: boolean;
};

const environmentSchema = z.object({
  RPM_BUILD_ROOT: z.string().optional(),
  /** Empty means unset, as in other tools. @see the specification on reproducible-builds.org */
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
 * @param flags by the keys of `buildOptions`; values as text, repeatable ones as arrays of text
 * @param availableCpus how many CPUs this process may use
 * @throws PyclinkError `usage`, which names every problem
 */
export function readBuildOptions(
  paths: readonly string[],
  flags: unknown,
  environment: Environment,
  availableCpus: number,
): BuildOptions {
  const read = z.object({ flags: flagsSchema, environment: environmentSchema }).safeParse({ flags, environment });
  if (!read.success) throw usageError(read.error.issues.map(({ path, message }) => `${label(path)}: ${message}`));
  const { optimize, mtimePolicy, ...given } = read.data.flags;
  const env = read.data.environment;
  const epochSeconds = env.SOURCE_DATE_EPOCH ? Number(env.SOURCE_DATE_EPOCH) : undefined;
  const policy = mtimePolicy ?? (epochSeconds === undefined ? 'keep' : 'clamp');
  const problems: string[] = [];
  if (policy !== 'keep' && epochSeconds === undefined) {
    problems.push(`--mtime-policy: ${policy} needs SOURCE_DATE_EPOCH, which is not set`);
  }
  if (given.append && given.manifest === undefined) problems.push('--append: needs --manifest');
  if (problems.length > 0) throw usageError(problems);
  const mtime: MtimePolicy =
    policy === 'keep' || epochSeconds === undefined ? { policy: 'keep' } : { policy, epochSeconds };
  const debianJobs = /(?:^|\s)parallel=(\d{1,4})(?:\s|$)/.exec(env.DEB_BUILD_OPTIONS)?.[1];
  return Object.freeze({
    ...given,
    buildroot: given.buildroot ?? env.RPM_BUILD_ROOT,
    paths,
    levels: optimize,
    mtime,
    jobs: given.jobs || Number(env.RPM_BUILD_NCPUS ?? 0) || Number(debianJobs ?? 0) || availableCpus,
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
