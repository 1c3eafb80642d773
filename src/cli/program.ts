import { Command } from 'commander';
import { version } from '../version.ts';
import type { Call } from './call.ts';
import { frontDoors } from './front-doors.ts';
import { withCommonOptions } from './options.ts';
import { variablesHelp } from './variables.ts';

/** The subcommands and their help texts, in the order of help. */
const descriptions = {
  build: 'compile the Python sources of a buildroot, link identical pycs, write the manifest',
  link: 'link identical pycs that already exist; compiles nothing',
  relink: 'restore the links of a manifest that a copy broke, where the contents still match',
  restamp: 'change the mtime of sources and record it in their pycs; compiles nothing',
  verify: 'check a payload against the manifest of its build',
  audit: 'find problems with the pycs of a package, an image or a system; needs no manifest',
  diff: 'list modules whose code differs between two packages, images or trees',
  cache: 'show, trim, clear or check the bytecode cache: see docs/cache.md',
  inspect: 'show the header and objects of a pyc, or where two pycs first differ',
} as const;

/** The name of a subcommand. */
type SubcommandName = keyof typeof descriptions;

/** Adds arguments, options and the action to a subcommand. */
export type Subcommands = Partial<Record<SubcommandName, (command: Command, call: Call) => Command>>;

/** Whether there is a subcommand of this name. */
export function isSubcommand(name: string | undefined): boolean {
  return name !== undefined && Object.hasOwn(descriptions, name);
}

/** Creates the command line parser. @param subcommands the others are listed in help only */
export function createProgram(call: Call, subcommands: Subcommands): Command {
  const program = withCommonOptions(new Command('pyclink'))
    .description(
      'Compiles Python bytecode in a buildroot, hard-links identical pycs, and verifies that packages keep the links.',
    )
    .version(version)
    .addHelpText('after', variablesHelp)
    .enablePositionalOptions()
    // The common options may also come before the subcommand.
    .hook('preAction', (_, command) => {
      for (const [name, value] of Object.entries(program.opts())) command.setOptionValue(name, value);
    });
  for (const [name, description] of Object.entries(descriptions)) {
    const command = new Command(name).description(description);
    program.addCommand(subcommands[name as SubcommandName]?.(command, call) ?? command);
  }
  // Only for the help: main() calls them.
  for (const [name, { description }] of frontDoors) program.addCommand(new Command(name).description(description));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => call.streams.stdout.write(text),
      writeErr: (text) => call.streams.stderr.write(text),
      // main() logs the error.
      outputError: () => undefined,
    });
  }
  return program;
}
