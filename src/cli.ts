import { availableParallelism } from 'node:os';
import { Command, CommanderError, Option } from 'commander';
import type { CommandResult } from './commands/result.ts';
import { exitStatus, messageOf, PyclinkError } from './errors.ts';
import { createLog, type Log } from './log.ts';
import { noProgress, progressBar } from './report/progress.ts';
import { version } from './version.ts';

/** The options that every subcommand has. */
interface CommonFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

type Flags = CommonFlags & Readonly<Record<string, unknown>>;

const collect = (value: string, earlier: string[] = []) => [...earlier, value];
const repeatable = (flags: string, description: string) => new Option(flags, description).argParser(collect);

function newCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'report as JSON on standard output')
    .option('-q, --quiet', 'only warnings and errors')
    .option('-v, --verbose', 'more log');
}

function buildSubcommand(): Command {
  return newCommand('build', 'compile the Python sources of a buildroot, link identical pycs, write the manifest')
    .argument('[PATH...]', 'as installed, or below the buildroot; default: every Python directory in the buildroot')
    .option('--buildroot <dir>', 'the staged tree (default: $RPM_BUILD_ROOT)')
    .option('--python <command>', 'interpreter for the PATHs (default: by directory)')
    .addOption(repeatable('-o, --optimize <level>', 'optimization level, repeatable (default: 0 1 2)'))
    .option('-s, --strip <dir>', 'taken off the front of recorded file names (default: the buildroot)')
    .option('-p, --prepend <dir>', 'put in front of recorded file names (default: /)')
    .option('--invalidation-mode <mode>', 'timestamp, checked-hash or unchecked-hash (default: timestamp)')
    .option('--mtime-policy <policy>', 'clamp, set or keep (default: clamp if SOURCE_DATE_EPOCH is set, else keep)')
    .addOption(repeatable('-x, --exclude-regex <regex>', 'do not compile sources whose staged path has a match'))
    .addOption(repeatable('--exclude <glob>', 'do not compile sources whose installed path matches'))
    .option('--errors <policy>', 'fail or warn when a source does not compile (default: fail)')
    .addOption(repeatable('--allow-errors <glob>', 'sources that need not compile'))
    .option('-j, --jobs <n>', 'interpreters at a time (default: $RPM_BUILD_NCPUS, parallel=, or the CPUs)')
    .option('--no-link', 'compile only')
    .option('--keep-current', 'skip sources whose pycs are all current')
    .option('--manifest <file>', 'write what was compiled and linked')
    .option('--append', 'keep what earlier runs wrote to the manifest')
    .option('--filelist <file>', 'write a list for %files -f')
    .option('--dry-run', 'only say what would be done')
    .action(async (paths: string[], flags: Flags) => {
      const [{ readBuildOptions }, { buildCommand }] = await Promise.all([
        import('./config.ts'),
        import('./commands/build.ts'),
      ]);
      const { json: _json, quiet, verbose: _verbose, ...rest } = flags;
      const options = readBuildOptions(paths, rest, process.env, availableParallelism());
      const progress = process.stderr.isTTY && quiet !== true ? progressBar(process.stderr) : noProgress;
      report(await buildCommand(options, process.env, logFor(flags), progress), flags);
    });
}

function linkSubcommand(): Command {
  return newCommand('link', 'link identical pycs that are there already; compiles nothing')
    .argument('[PATH...]', 'directories, as installed or below the buildroot; default: the whole buildroot')
    .option('--buildroot <dir>', 'the staged tree (default: $RPM_BUILD_ROOT)')
    .option('--dry-run', 'only say what would be done')
    .action(async (paths: string[], flags: Flags & { buildroot?: string; dryRun?: boolean }) => {
      const { linkCommand } = await import('./commands/link.ts');
      const { buildroot = process.env['RPM_BUILD_ROOT'], dryRun = false } = flags;
      report(linkCommand({ buildroot, paths, dryRun }, logFor(flags)), flags);
    });
}

function relinkSubcommand(): Command {
  return newCommand('relink', 'restore the links of a manifest that a copy broke, where the contents still match')
    .requiredOption('--manifest <file>', 'what the build wrote')
    .option('--buildroot <dir>', 'the staged tree (default: $RPM_BUILD_ROOT)')
    .option('--dry-run', 'only say what would be done')
    .action(async (flags: Flags & { manifest: string; buildroot?: string; dryRun?: boolean }) => {
      const { relinkCommand } = await import('./commands/relink.ts');
      const { manifest, buildroot = process.env['RPM_BUILD_ROOT'], dryRun = false } = flags;
      report(relinkCommand({ buildroot, manifest, dryRun }, logFor(flags)), flags);
    });
}

function verifySubcommand(): Command {
  return newCommand('verify', 'hold a payload against the manifest of its build')
    .requiredOption('--manifest <file>', 'what the build wrote')
    .argument('<TARGET>', 'a directory that holds the payload')
    .action(async (target: string, flags: Flags & { manifest: string }) => {
      const { verifyCommand } = await import('./commands/verify.ts');
      report(verifyCommand({ manifest: flags.manifest, target }), flags);
    });
}

function inspectSubcommand(): Command {
  return newCommand('inspect', 'show what a pyc says of itself, and whether it fits its source')
    .argument('<FILE>', 'a pyc')
    .action(async (file: string, flags: Flags) => {
      const { inspectCommand } = await import('./commands/inspect.ts');
      report(inspectCommand(file), flags);
    });
}

function logFor({ quiet, verbose }: CommonFlags): Log {
  const format = process.env['PYCLINK_LOG_FORMAT'] === 'json' ? 'json' : 'lines';
  return createLog(quiet === true ? 'warn' : verbose === true ? 'debug' : 'info', format, process.stderr);
}

function report({ status, text, data }: CommandResult, { json, quiet }: CommonFlags): void {
  process.exitCode = status;
  if (json === true) process.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
  else if (quiet !== true || status !== exitStatus.done) process.stdout.write(text);
}

/** The last stop of everything that was thrown. */
function fail(error: unknown): void {
  const log = logFor({});
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitStatus.done : exitStatus.unusable;
    const [message = '', ...lines] = error.message.replace(/^error: /, '').split('\n');
    if (error.exitCode !== 0) log.error({ lines, hint: 'see pyclink --help' }, message);
    return;
  }
  if (error instanceof PyclinkError) {
    const { path, hint, message } = error;
    log.error({ path, hint }, message);
    process.exitCode = error.exitStatus;
    return;
  }
  const lines = error instanceof Error ? (error.stack?.split('\n') ?? []) : [];
  log.error({ lines, hint: 'this is a bug in pyclink' }, messageOf(error));
  process.exitCode = exitStatus.bug;
}

const program = new Command('pyclink')
  .description(
    'Compiles Python bytecode in a buildroot, hard-links identical pycs, and proves what the package recorded.',
  )
  .version(version);
for (const command of [
  buildSubcommand(),
  linkSubcommand(),
  relinkSubcommand(),
  verifySubcommand(),
  inspectSubcommand(),
]) {
  program.addCommand(command);
}
for (const command of [program, ...program.commands]) {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
}
program.parseAsync().catch(fail);
