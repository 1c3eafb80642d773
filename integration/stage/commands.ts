/** What help says of pyclink's commands and options, for what is generated from it: completions and the man page. */
import { type Argument, type Command, Help, type Option } from 'commander';
import { Call } from '../../src/cli/call.ts';
import { createProgram } from '../../src/cli/program.ts';
import { subcommands } from '../../src/cli/subcommands.ts';
import { buildOptions } from '../../src/pipeline/option-table.ts';

export interface OptionFacts {
  readonly short: string | undefined;
  readonly long: string;
  readonly help: string;
  /** The name of its value; undefined: it needs none. */
  readonly value: string | undefined;
  /** The name of a value that may be left out; one that is given follows an equals sign. */
  readonly optionalValue: string | undefined;
  /** The only values it takes; empty: any. */
  readonly choices: readonly string[];
  readonly isRepeatable: boolean;
  /** The heading that it is under; undefined: none of its own. */
  readonly group: string | undefined;
}

export interface CommandFacts {
  readonly name: string;
  readonly help: string;
  /** Options that it needs, and its operands: `--manifest <file>`, `[PATH...]`. */
  readonly usage: readonly string[];
  readonly options: readonly OptionFacts[];
  /** What its operand may be, if that is one of a few words. */
  readonly words: readonly string[];
  readonly takesFiles: boolean;
}

const program = createProgram(new Call({}, process), subcommands);
const help = new Help();

/** The options of pyclink itself. */
export const ownOptions: readonly OptionFacts[] = help.visibleOptions(program).map((option) => factsOf(option));

/** The commands that users call. The others, for packaging systems, have no options that help knows. */
export const commands: readonly CommandFacts[] = program.commands
  .filter(({ options }) => options.length > 0)
  .map((command) => {
    const words = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
    return {
      name: command.name(),
      help: command.description(),
      usage: [
        ...command.options.filter(({ mandatory }) => mandatory).map(({ long, flags }) => `${long} ${valueName(flags)}`),
        ...command.registeredArguments.map((argument) => argumentName(argument)),
      ],
      options: help.visibleOptions(command).map((option) => factsOf(option, command)),
      words,
      takesFiles: command.registeredArguments.length > 0 && words.length === 0,
    };
  });

/** The options that every command has, in the order of help. */
export const commonOptions = (commands[0]?.options ?? []).filter(({ long }) =>
  commands.every(({ options }) => options.some((option) => option.long === long)),
);

function factsOf(option: Option, command?: Command): OptionFacts {
  const { short, long = '', description, flags, parseArg } = option;
  return {
    short,
    long,
    help: description,
    value: valueName(flags),
    optionalValue: /\[(.+)\]/.exec(flags)?.[1],
    choices: option.argChoices ?? (command?.name() === 'build' ? choicesOf(option.attributeName()) : []),
    isRepeatable: parseArg !== undefined,
    group: option.helpGroupHeading,
  };
}

/** `file` of `--manifest <file>` */
function valueName(flags: string): string | undefined {
  return /<(.+)>/.exec(flags)?.[1];
}

/** `[PATH...]`, `OLD`, `stats|trim` */
function argumentName(argument: Argument): string {
  if (argument.argChoices !== undefined) return argument.argChoices.join('|');
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? name : `[${name}]`;
}

function choicesOf(name: string): readonly string[] {
  return Object.entries(buildOptions).find(([key]) => key === name)?.[1].read.choices ?? [];
}
