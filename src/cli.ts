import { availableParallelism } from 'node:os';
import { Command, CommanderError } from 'commander';
import { buildFlags, type CommonFlags, type Flags, mergedFlags, newCommand, withBuildOptions } from './command-line.ts';
import type { CommandResult } from './commands/result.ts';
import { errnoOf, exitStatus, messageOf, PyclinkError } from './errors.ts';
import { createLog, type Log } from './log.ts';
import { noProgress, progressBar } from './report/progress.ts';
import { version } from './version.ts';

function buildSubcommand(): Command {
  return withBuildOptions(
    newCommand('build', 'compile the Python sources of a buildroot, link identical pycs, write the manifest'),
  ).action(async (paths: string[], flags: Flags) => {
    const [{ readBuildOptions }, { buildCommand }] = await Promise.all([
      import('./config.ts'),
      import('./commands/build.ts'),
    ]);
    const options = readBuildOptions(paths, buildFlags(flags), process.env, availableParallelism());
    const progress = process.stderr.isTTY && flags.quiet !== true ? progressBar(process.stderr) : noProgress;
    report(await buildCommand(options, process.env, logFor(flags), progress), flags);
  });
}

/** For rpm macros. The words are theirs: what looks like an option among them is not one of this subcommand's. */
function brpSubcommand(): Command {
  return new Command('brp')
    .description('the conventions of rpm macros: see docs/rpm.md')
    .argument('<step>', 'bytecompile, py-byte-compile or hardlink')
    .argument('[words...]', 'the positions of that step; options of build after --')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (step: string, words: string[]) => {
      const buildroot = process.env['RPM_BUILD_ROOT'];
      // As the scripts that this replaces: without a buildroot there is nothing to do.
      if (buildroot === undefined || buildroot === '' || buildroot === '/') return;
      if (step === 'hardlink') {
        const { linkCommand } = await import('./commands/link.ts');
        const result = linkCommand({ buildroot, paths: [], normalize: false, dryRun: false }, logFor({}));
        report(result, { quiet: result.data.links === 0 });
        return;
      }
      const [{ translateBrp }, { readBuildOptions }, { brpCommand }] = await Promise.all([
        import('./rpm/brp.ts'),
        import('./config.ts'),
        import('./commands/brp.ts'),
      ]);
      let common: CommonFlags = {};
      const builds = translateBrp(step, words).map(({ paths, flags }) => {
        const parser = withBuildOptions(newCommand('brp', '')).exitOverride().configureOutput(silent);
        parser.parse([...flags], { from: 'user' });
        common = parser.opts();
        return readBuildOptions(
          [...paths, ...parser.args],
          buildFlags(parser.opts()),
          process.env,
          availableParallelism(),
        );
      });
      const isSilent = common.quiet === true || common.json === true;
      const print = (line: string) => isSilent || process.stdout.write(`${line}\n`);
      report(await brpCommand(builds, process.env, logFor(common), print), common);
    });
}

/** For debhelper, whose words and environment it reads by itself. */
function dhSubcommand(): Command {
  return new Command('dh')
    .description('the conventions of debhelper: see docs/debian.md')
    .argument('[words...]', 'as dh_pyclink is called; options of build after --')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async () => {
      const [{ readDebhelperCall }, { readBuildOptions }, { dhCommand }] = await Promise.all([
        import('./debian/arguments.ts'),
        import('./config.ts'),
        import('./commands/dh.ts'),
      ]);
      const call = readDebhelperCall(process.argv.slice(process.argv.indexOf('dh') + 1), process.env);
      const parser = withBuildOptions(newCommand('dh', '')).exitOverride().configureOutput(silent);
      parser.parse([...call.buildFlags], { from: 'user' });
      const result = await dhCommand(call, {
        source: process.cwd(),
        environment: process.env,
        log: logFor({ quiet: !call.verbose }),
        readOptions: (paths, flags, environment) =>
          readBuildOptions(paths, mergedFlags(buildFlags(parser.opts()), flags), environment, availableParallelism()),
      });
      report(result, {});
    });
}

function linkSubcommand(): Command {
  return newCommand('link', 'link identical pycs that are there already; compiles nothing')
    .argument('[PATH...]', 'directories, as installed or below the buildroot; default: the whole buildroot')
    .option('--buildroot <dir>', 'the staged tree (default: $RPM_BUILD_ROOT)')
    .option('--normalize', 'first clear what the history of an interpreter left in the bytes')
    .option('--dry-run', 'only say what would be done')
    .action(async (paths: string[], flags: Flags & { buildroot?: string; normalize?: boolean; dryRun?: boolean }) => {
      const { linkCommand } = await import('./commands/link.ts');
      const { buildroot = process.env['RPM_BUILD_ROOT'], normalize = false, dryRun = false } = flags;
      report(linkCommand({ buildroot, paths, normalize, dryRun }, logFor(flags)), flags);
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
    .argument('<TARGET...>', 'a directory that holds the payload, or all packages of a build (.rpm, .deb, tar)')
    .action(async (targets: string[], flags: Flags & { manifest: string }) => {
      const { verifyCommand } = await import('./commands/verify.ts');
      report(await verifyCommand({ manifest: flags.manifest, targets }), flags);
    });
}

function inspectSubcommand(): Command {
  return newCommand('inspect', 'show what a pyc says of itself, and its objects; or where two pycs first differ')
    .argument('<FILE>', 'a pyc')
    .argument('[OTHER]', 'another pyc, to compare')
    .action(async (file: string, other: string | undefined, flags: Flags) => {
      const { comparePycsCommand, inspectCommand } = await import('./commands/inspect.ts');
      report(other === undefined ? inspectCommand(file) : comparePycsCommand(file, other), flags);
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
  if (error instanceof Error && 'syscall' in error) {
    // A file system changes under our hands, or cannot do what is asked.
    log.error({ hint: 'does anything else work on these files?' }, error.message);
    process.exitCode = exitStatus.toolFailed;
    return;
  }
  const lines = error instanceof Error ? (error.stack?.split('\n') ?? []) : [];
  log.error({ lines, hint: 'this is a bug in pyclink' }, messageOf(error));
  process.exitCode = exitStatus.bug;
}

/** Complaints go to the log, by way of what is thrown. */
const silent = { writeErr: () => undefined };

const program = new Command('pyclink')
  .description(
    'Compiles Python bytecode in a buildroot, hard-links identical pycs, and proves what the package recorded.',
  )
  .version(version)
  .enablePositionalOptions();
for (const command of [
  buildSubcommand(),
  linkSubcommand(),
  relinkSubcommand(),
  verifySubcommand(),
  inspectSubcommand(),
  brpSubcommand(),
  dhSubcommand(),
]) {
  program.addCommand(command);
}
for (const command of [program, ...program.commands]) {
  command.exitOverride().configureOutput(silent);
}
// Each write is one synchronous step, so that nothing half done is left; the workers end with this process.
for (const [signal, status] of [
  ['SIGINT', exitStatus.interrupted],
  ['SIGTERM', exitStatus.terminated],
] as const) {
  process.once(signal, () => process.exit(status));
}
// Whoever stops reading, as head does, does not stop the work.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (errnoOf(error) !== 'EPIPE') throw error;
  });
}
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(new PyclinkError('usage', `needs Node.js 20.19 or later, this is ${process.versions.node}`));
} else program.parseAsync().catch(fail);
