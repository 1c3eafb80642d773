import { Command, Option } from 'commander';

/** The options that every subcommand has. */
export interface CommonFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

export type Flags = CommonFlags & Readonly<Record<string, unknown>>;

const collect = (value: string, earlier: string[] = []) => [...earlier, value];
const repeatable = (flags: string, description: string) => new Option(flags, description).argParser(collect);

/** A subcommand with the options that all have. */
export function newCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'report as JSON on standard output')
    .option('-q, --quiet', 'only warnings and errors')
    .option('-v, --verbose', 'more log');
}

/** What is left of the flags when the command line has taken its own. */
export function buildFlags({
  json: _json,
  quiet: _quiet,
  verbose: _verbose,
  ...flags
}: Flags): Record<string, unknown> {
  return flags;
}

/** Gives a command the PATHs and options of build: the subcommands for packaging systems take them too. */
export function withBuildOptions(command: Command): Command {
  return command
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
    .option('--no-normalize', 'keep the bytes that compileall gives, which depend on what its process did before')
    .option('--keep-current', 'skip sources whose pycs are all current')
    .option('--manifest <file>', 'write what was compiled and linked')
    .option('--append', 'keep what earlier runs wrote to the manifest')
    .option('--filelist <file>', 'write a list for %files -f')
    .addOption(repeatable('--filelist-for <glob=file>', 'the same for the sources whose installed path matches'))
    .option('--dry-run', 'only say what would be done');
}

/** Flags of two sources; repeatable ones add up. */
export function mergedFlags(first: Readonly<Record<string, unknown>>, second: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...first };
  for (const [name, value] of Object.entries(second)) {
    const earlier = merged[name];
    merged[name] = Array.isArray(earlier) && Array.isArray(value) ? [...earlier, ...value] : value;
  }
  return merged;
}
