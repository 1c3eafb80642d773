import { type Command, Option as CommanderOption } from 'commander';
import { PyclinkError } from '../errors.ts';
import { buildOptionGroups } from '../pipeline/option-table.ts';
import type { Option } from '../pipeline/option-values.ts';

/** The options of every subcommand. */
export interface CommonFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** A command line, parsed by commander. */
export type Flags = CommonFlags & Readonly<Record<string, unknown>>;

/** Adds the common options. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--json', 'report as JSON on standard output')
    .option('-q, --quiet', 'log only warnings and errors')
    .option('-v, --verbose', 'log more');
}

/** Adds the arguments and options of build, which brp and dh accept as well. */
export function withBuildOptions(command: Command): Command {
  command.argument(
    '[PATH...]',
    'as installed, or below the buildroot; default: every Python directory in the buildroot',
  );
  for (const [heading, options] of Object.entries(buildOptionGroups)) {
    for (const { flags, help, read } of Object.values<Option<unknown>>(options)) {
      const option = new CommanderOption(flags, help).helpGroup(heading);
      if (read.isRepeatable) option.argParser(collect);
      else if (read.isUnique) option.argParser(onlyOnce(flags));
      command.addOption(option);
    }
  }
  return command;
}

/** An option for a file that may be given only once. */
export function fileOption(flags: string, help: string): CommanderOption {
  return new CommanderOption(flags, help).argParser(onlyOnce(flags));
}

/** @throws PyclinkError `usage` for a second value */
function onlyOnce(flags: string): (value: string, earlier?: string) => string {
  return (value, earlier) => {
    if (earlier === undefined) return value;
    throw new PyclinkError('usage', `${flags.split(' ')[0]}: given twice, as ${earlier} and ${value}`);
  };
}

/** Collects the values of a repeatable option. */
export function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}

/** Merges flags; repeatable ones are joined. */
export function mergedFlags(first: Readonly<Record<string, unknown>>, second: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...first };
  for (const [name, value] of Object.entries(second)) {
    const earlier = merged[name];
    merged[name] = Array.isArray(earlier) && Array.isArray(value) ? [...earlier, ...value] : value;
  }
  return merged;
}
