import { availableParallelism } from 'node:os';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { type AuditFormat, auditFormats } from '../audit/formats.ts';
import { type AuditKind, auditKindNames } from '../audit/kinds.ts';
import type { CacheAction } from '../commands/cache.ts';
import { PyclinkError } from '../errors.ts';
import type { Call } from './call.ts';
import { buildFlags, collect, type Flags, fileOption, withBuildOptions, withCommonOptions } from './options.ts';
import type { Subcommands } from './program.ts';
import { readJobs, readMtime, readOptionsOf, readPrepend, withPrepend, withReadOptions } from './read-options.ts';
import { variablesHelp } from './variables.ts';

const buildrootHelp = 'the staged tree (default: $RPM_BUILD_ROOT)';
const htmlHelp = 'write a page with the savings and the findings';
const dryRunHelp = 'say what would be done, and change nothing';

const buildExamples = `
Examples:
  pyclink build --buildroot pkg --manifest pkg.json    all Python directories of a staged tree
  pyclink build --buildroot pkg -o 0,2 /opt/acme       one directory, two levels
  pyclink build --in-place                             in a container image: all that its Pythons read
`;

/** The subcommands. Each loads what it needs when it is called. */
export const subcommands: Required<Subcommands> = { build, link, relink, restamp, verify, audit, diff, cache, inspect };

function build(command: Command, call: Call): Command {
  return withBuildOptions(
    withCommonOptions(command).addHelpText('after', () => buildExamples + variablesHelp()),
  ).action(async (paths: string[], flags: Flags) => {
    const [{ readBuildOptions }, { buildCommand }] = await Promise.all([
      import('../pipeline/options.ts'),
      import('../commands/build.ts'),
    ]);
    const { environment, streams } = call;
    const options = readBuildOptions(paths, buildFlags(flags), environment, availableParallelism());
    const isQuiet = flags.quiet === true;
    const isWatched = call.isWatched && !isQuiet;
    const progress = isWatched ? (await import('../report/progress.ts')).progressBar(streams.stderr) : undefined;
    call.report(await buildCommand(options, call, { log: () => call.log(flags), isQuiet, progress }), flags);
  });
}

function link(command: Command, call: Call): Command {
  return withPrepend(withCommonOptions(command))
    .argument('[PATH...]', 'directories, as installed or below the buildroot; default: the whole buildroot')
    .option('--buildroot <dir>', buildrootHelp)
    .option('--normalize', 'bring the pycs into normal form first')
    .addOption(fileOption('--manifest <file>', 'write what there is and what is linked'))
    .option('--append', 'keep what earlier runs wrote to the manifest')
    .option('--dry-run', dryRunHelp)
    .action(async (paths: string[], flags: Flags & LinkFlags) => {
      const { linkCommand } = await import('../commands/link.ts');
      const { buildroot = call.environment['RPM_BUILD_ROOT'], normalize = false, dryRun = false } = flags;
      const { manifest, append = false } = flags;
      if (append && manifest === undefined) throw new PyclinkError('usage', '--append: needs --manifest');
      const prepend = readPrepend(flags);
      const options = { buildroot, prepend, paths, normalize, dryRun, manifest, append };
      call.report(await linkCommand(options, await call.log(flags)), flags);
    });
}

interface LinkFlags {
  readonly buildroot?: string;
  readonly prepend?: string;
  readonly normalize?: boolean;
  readonly manifest?: string;
  readonly append?: boolean;
  readonly dryRun?: boolean;
}

function relink(command: Command, call: Call): Command {
  return withPrepend(withCommonOptions(command))
    .addOption(fileOption('--manifest <file>', 'what the build wrote').makeOptionMandatory())
    .option('--buildroot <dir>', buildrootHelp)
    .option('--dry-run', dryRunHelp)
    .action(async (flags: Flags & Omit<RestampFlags, 'mtime'> & { manifest: string }) => {
      const { relinkCommand } = await import('../commands/relink.ts');
      const { manifest, buildroot = call.environment['RPM_BUILD_ROOT'], dryRun = false } = flags;
      const options = { buildroot, prepend: readPrepend(flags), manifest, dryRun };
      call.report(await relinkCommand(options, await call.log(flags)), flags);
    });
}

function restamp(command: Command, call: Call): Command {
  return withPrepend(withCommonOptions(command))
    .argument('[PATH...]', 'directories, as installed or below the buildroot; default: the whole buildroot')
    .requiredOption('--mtime <time>', 'seconds since 1970, or a date; ostree gives all files 0, Nix 1')
    .option('--buildroot <dir>', buildrootHelp)
    .addOption(fileOption('--manifest <file>', 'what the build wrote; brought up to date'))
    .option('--dry-run', dryRunHelp)
    .action(async (paths: string[], flags: Flags & RestampFlags) => {
      const { restampCommand } = await import('../commands/restamp.ts');
      const { buildroot = call.environment['RPM_BUILD_ROOT'], manifest, dryRun = false } = flags;
      const prepend = readPrepend(flags);
      const options = { buildroot, prepend, paths, manifest, dryRun, mtimeSeconds: readMtime(flags.mtime) };
      call.report(await restampCommand(options, await call.log(flags)), flags);
    });
}

interface RestampFlags {
  readonly mtime: string;
  readonly buildroot?: string;
  readonly prepend?: string;
  readonly manifest?: string;
  readonly dryRun?: boolean;
}

function verify(command: Command, call: Call): Command {
  const manifest = new Option('--manifest <file>', 'what a build wrote, repeatable').argParser<string[]>(collect);
  const allow = new Option(
    '--allow <glob>',
    'pycs that are there on purpose, and in no manifest; repeatable. Other packages of a whole system need none',
  );
  return withPrepend(withReadOptions(withCommonOptions(command).addOption(manifest.makeOptionMandatory())))
    .argument(
      '<TARGET...>',
      'a directory that holds the payload, all packages of a build or their directory, or container images (FILE[:NAME])',
    )
    .addOption(allow.argParser<string[]>(collect))
    .addOption(fileOption('--html <file>', htmlHelp))
    .action(async (targets: string[], flags: Flags & VerifyFlags) => {
      const { verifyCommand } = await import('../commands/verify.ts');
      const { manifest: manifests, allow: allowed = [], html } = flags;
      const prepend = flags.prepend === undefined ? undefined : readPrepend(flags);
      const options = { manifests, allow: allowed, targets, html, prepend };
      call.report(await verifyCommand({ ...options, ...readOptionsOf(flags) }), flags);
      await sayPage(html, call, flags);
    });
}

interface VerifyFlags {
  readonly manifest: string[];
  readonly allow?: string[];
  readonly prepend?: string;
  readonly html?: string;
}

function audit(command: Command, call: Call): Command {
  const kinds: readonly string[] = auditKindNames;
  const each = (flags: string, help: string) =>
    new Option(flags, help).choices(kinds).argParser((kind: string, earlier: string[] = []) => {
      if (!kinds.includes(kind)) throw new InvalidArgumentError(`Allowed choices are ${kinds.join(', ')}.`);
      return [...earlier, kind];
    });
  return withReadOptions(withCommonOptions(command))
    .argument('<TARGET...>', 'a directory, / for the running system, packages or their directory, or container images')
    .addOption(each('--only <kind>', 'only this kind of finding, repeatable'))
    .addOption(each('--ignore <kind>', 'not this kind of finding, repeatable'))
    .addOption(
      each(
        '--fail-on <kind>',
        'exit with status 1 only for this kind, repeatable (default: what a user of the package can notice)',
      ),
    )
    .option('--prepend <dir>', 'where a directory will lie, if pyclink cannot tell')
    .addOption(fileOption('--baseline <file>', 'leave out what an earlier --json report has'))
    .addOption(
      new Option('--format <format>', 'form of the report (default: text)').choices(auditFormats).conflicts('json'),
    )
    .addOption(fileOption('--html <file>', htmlHelp))
    .option('--recompile', 'compile the sources again, and name pycs that have other code')
    .option('--python <cmd>', 'with --recompile: the interpreter (default: that of each pyc)')
    .option('--chroot', 'with --recompile: the interpreters of the target directory, in it')
    .option('-j, --jobs <n>', 'with --recompile: interpreters at a time (default: the CPUs)')
    .action(async (targets: string[], flags: Flags & AuditFlags) => {
      const { auditCommand } = await import('../commands/audit.ts');
      const { only = [], ignore = [], failOn = [], verbose: isVerbose = false, baseline, html } = flags;
      const format = flags.format ?? (flags.json === true ? 'json' : 'text');
      const filters = { only, ignore, failOn, isVerbose, baseline };
      const recompile = flags.recompile === true ? recompileFlags(flags, call) : undefined;
      const prepend = flags.prepend === undefined ? undefined : readPrepend(flags);
      const options = { targets, ...filters, format, html, recompile, prepend, ...readOptionsOf(flags) };
      const result = await auditCommand(options, () => call.log(flags));
      const json = format === 'json' || format === 'sarif';
      call.report(result, { json, quiet: flags.quiet === true && format === 'text' });
      await sayPage(html, call, flags);
    });
}

/** Says that the page of a report was written. */
async function sayPage(file: string | undefined, call: Call, flags: Flags): Promise<void> {
  if (file !== undefined) (await call.log(flags)).info(`page ${file}`);
}

function diff(command: Command, call: Call): Command {
  return withReadOptions(withCommonOptions(command))
    .argument('<OLD>', 'a directory, a package, a directory of packages, or an image')
    .argument('<NEW>', 'the same, of another build')
    .action(async (old: string, now: string, flags: Flags) => {
      const { diffCommand } = await import('../commands/diff.ts');
      const options = { old, now, isVerbose: flags.verbose === true, ...readOptionsOf(flags) };
      call.report(await diffCommand(options), flags);
    });
}

function recompileFlags({ python, chroot = false, jobs }: AuditFlags, { environment }: Call) {
  return { python, chroot, jobs: readJobs(jobs) ?? availableParallelism(), environment };
}

interface AuditFlags {
  readonly recompile?: boolean;
  readonly python?: string;
  readonly chroot?: boolean;
  readonly jobs?: string;
  readonly only?: AuditKind[];
  readonly ignore?: AuditKind[];
  readonly failOn?: AuditKind[];
  readonly prepend?: string;
  readonly baseline?: string;
  readonly format?: AuditFormat;
  readonly html?: string;
}

function cache(command: Command, call: Call): Command {
  return withCommonOptions(command)
    .addArgument(new Argument('<ACTION>', 'what to do').choices(['stats', 'trim', 'clear', 'check']))
    .option('--cache-dir <dir>', 'the local store (default: $PYCLINK_CACHE_DIR)')
    .action(async (action: CacheAction, flags: Flags & { cacheDir?: string }) => {
      const [{ readStoreRequest }, { cacheCommand }] = await Promise.all([
        import('../pipeline/cache-options.ts'),
        import('../commands/cache.ts'),
      ]);
      const request = readStoreRequest(flags.cacheDir, call.environment);
      call.report(cacheCommand(action, request, await call.log(flags)), flags);
    });
}

function inspect(command: Command, call: Call): Command {
  return withCommonOptions(command)
    .argument('<FILE>', 'a pyc')
    .argument('[OTHER]', 'another pyc, to compare')
    .action(async (file: string, other: string | undefined, flags: Flags) => {
      const { comparePycsCommand, inspectCommand } = await import('../commands/inspect.ts');
      call.report(other === undefined ? inspectCommand(file) : comparePycsCommand(file, other), flags);
    });
}
