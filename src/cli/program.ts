import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { version } from '../version.ts';
import type { Call } from './call.ts';
import { buildFlags, type Flags, newCommand, withBuildOptions } from './options.ts';
import { variablesHelp } from './variables.ts';

const buildrootHelp = 'the staged tree (default: $RPM_BUILD_ROOT)';
const dryRunHelp = 'say what would be done, and change nothing';

/** The command line. A subcommand loads what it needs when it is called. */
export function createProgram(call: Call): Command {
  const program = new Command('pyclink')
    .description(
      'Compiles Python bytecode in a buildroot, hard-links identical pycs, and proves what the package recorded.',
    )
    .version(version)
    .addHelpText('after', variablesHelp)
    .enablePositionalOptions();
  const subcommands = [buildSubcommand, linkSubcommand, relinkSubcommand, verifySubcommand, inspectSubcommand];
  for (const subcommand of subcommands) program.addCommand(subcommand(call));
  // main() reads the arguments of these two itself; they are here for the help.
  program.addCommand(new Command('brp').description('the conventions of rpm macros: see docs/rpm.md'));
  program.addCommand(new Command('dh').description('the conventions of debhelper: see docs/debian.md'));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => call.streams.stdout.write(text),
      // main() logs the error.
      writeErr: () => undefined,
    });
  }
  return program;
}

function buildSubcommand(call: Call): Command {
  return withBuildOptions(
    newCommand(
      'build',
      'compile the Python sources of a buildroot, link identical pycs, write the manifest',
    ).addHelpText('after', variablesHelp),
  ).action(async (paths: string[], flags: Flags) => {
    const [{ readBuildOptions }, { buildCommand }, { noProgress, progressBar }] = await Promise.all([
      import('../build/options.ts'),
      import('../commands/build.ts'),
      import('../report/progress.ts'),
    ]);
    const { environment, streams } = call;
    const options = readBuildOptions(paths, buildFlags(flags), environment, availableParallelism());
    const isWatched = streams.stderr.isTTY === true && flags.quiet !== true;
    const progress = isWatched ? progressBar(streams.stderr) : noProgress;
    call.report(await buildCommand(options, call, call.log(flags), progress), flags);
  });
}

function linkSubcommand(call: Call): Command {
  return newCommand('link', 'link identical pycs that are there already; compiles nothing')
    .argument('[PATH...]', 'directories, as installed or below the buildroot; default: the whole buildroot')
    .option('--buildroot <dir>', buildrootHelp)
    .option('--normalize', 'bring the pycs into normal form first')
    .option('--dry-run', dryRunHelp)
    .action(async (paths: string[], flags: Flags & { buildroot?: string; normalize?: boolean; dryRun?: boolean }) => {
      const { linkCommand } = await import('../commands/link.ts');
      const { buildroot = call.environment['RPM_BUILD_ROOT'], normalize = false, dryRun = false } = flags;
      call.report(linkCommand({ buildroot, paths, normalize, dryRun }, call.log(flags)), flags);
    });
}

function relinkSubcommand(call: Call): Command {
  return newCommand('relink', 'restore the links of a manifest that a copy broke, where the contents still match')
    .requiredOption('--manifest <file>', 'what the build wrote')
    .option('--buildroot <dir>', buildrootHelp)
    .option('--dry-run', dryRunHelp)
    .action(async (flags: Flags & { manifest: string; buildroot?: string; dryRun?: boolean }) => {
      const { relinkCommand } = await import('../commands/relink.ts');
      const { manifest, buildroot = call.environment['RPM_BUILD_ROOT'], dryRun = false } = flags;
      call.report(relinkCommand({ buildroot, manifest, dryRun }, call.log(flags)), flags);
    });
}

function verifySubcommand(call: Call): Command {
  return newCommand('verify', 'check a payload against the manifest of its build')
    .requiredOption('--manifest <file>', 'what the build wrote')
    .argument('<TARGET...>', 'a directory that holds the payload, or all packages of a build (.rpm, .deb, tar)')
    .action(async (targets: string[], flags: Flags & { manifest: string }) => {
      const { verifyCommand } = await import('../commands/verify.ts');
      call.report(await verifyCommand({ manifest: flags.manifest, targets }), flags);
    });
}

function inspectSubcommand(call: Call): Command {
  return newCommand('inspect', 'show the header and objects of a pyc, or where two pycs first differ')
    .argument('<FILE>', 'a pyc')
    .argument('[OTHER]', 'another pyc, to compare')
    .action(async (file: string, other: string | undefined, flags: Flags) => {
      const { comparePycsCommand, inspectCommand } = await import('../commands/inspect.ts');
      call.report(other === undefined ? inspectCommand(file) : comparePycsCommand(file, other), flags);
    });
}
