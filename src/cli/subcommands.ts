import { availableParallelism } from 'node:os';
import { Argument, type Command, InvalidArgumentError } from 'commander';
import type { CacheAction } from '../commands/cache.ts';
import type { LinkOptions } from '../commands/link.ts';
import type { RelinkOptions } from '../commands/relink.ts';
import type { RestampOptions } from '../commands/restamp.ts';
import type { TreeOptions } from '../commands/result.ts';
import type { Call } from './call.ts';
import { type Flags, fileOption, withBuildOptions, withCommonOptions } from './options.ts';
import { audit, diff, verify } from './payload-subcommands.ts';
import type { Subcommands } from './program.ts';
import { readMtime, readPrepend, withPrepend } from './read-options.ts';
import { variablesHelp } from './variables.ts';

const buildrootHelp = 'the staged tree (default: $RPM_BUILD_ROOT)';
const dryRunHelp = 'report what would be done, and change nothing';

/** Of build, for help and the man page. */
export const buildExamples = `
Examples:
  pyclink build --buildroot pkg --manifest pkg.json    all Python directories of a staged tree
  pyclink build --buildroot pkg -o 0,2 /opt/acme       one directory, two levels
  pyclink build --in-place                             in a container image: all that its Pythons read
`;

/** The subcommands. Each loads its code on demand. */
export const subcommands: Required<Subcommands> = { build, link, relink, restamp, verify, audit, diff, cache, inspect };

function build(command: Command, call: Call): Command {
  return withBuildOptions(
    withCommonOptions(command).addHelpText('after', () => buildExamples + variablesHelp()),
  ).action(async (paths: string[], flags: Flags) => {
    const [{ readBuildOptions }, { buildCommand }, log] = await Promise.all([
      import('../pipeline/options.ts'),
      import('../commands/build.ts'),
      call.log(flags),
    ]);
    const { environment, streams } = call;
    const options = readBuildOptions(paths, flags, environment, availableParallelism());
    const isQuiet = flags.quiet === true;
    const isWatched = call.isWatched && !isQuiet;
    const progress = isWatched ? (await import('../report/progress.ts')).progressBar(streams.stderr) : undefined;
    call.report(await buildCommand(options, environment, { log, isQuiet, progress }), flags);
  });
}

function link(command: Command, call: Call): Command {
  return withPrepend(withCommonOptions(command))
    .argument('[PATH...]', 'directories, as installed or below the buildroot; default: the whole buildroot')
    .option('--buildroot <dir>', buildrootHelp)
    .option('--normalize', 'bring the pycs into normal form first')
    .addOption(fileOption('--manifest <file>', 'write a manifest of the pycs and their links'))
    .option('--append', 'add to the manifest of earlier runs')
    .option('--dry-run', dryRunHelp)
    .action(async (paths: string[], flags: Flags & Partial<LinkOptions>) => {
      const { linkCommand } = await import('../commands/link.ts');
      const { normalize = false, manifest, append = false } = flags;
      if (append && manifest === undefined) throw new InvalidArgumentError('--append: needs --manifest');
      const options = { ...treeOptions(flags, call), paths, normalize, manifest, append };
      call.report(await linkCommand(options, await call.log(flags)), flags);
    });
}

/** @throws InvalidArgumentError */
function treeOptions(flags: Partial<TreeOptions>, call: Call): TreeOptions {
  const { buildroot = call.buildroot, dryRun = false } = flags;
  return { buildroot, prepend: readPrepend(flags), dryRun };
}

function relink(command: Command, call: Call): Command {
  return withPrepend(withCommonOptions(command))
    .addOption(fileOption('--manifest <file>', 'the manifest that the build wrote').makeOptionMandatory())
    .option('--buildroot <dir>', buildrootHelp)
    .option('--dry-run', dryRunHelp)
    .action(async (flags: Flags & Partial<RelinkOptions> & { manifest: string }) => {
      const { relinkCommand } = await import('../commands/relink.ts');
      const options = { ...treeOptions(flags, call), manifest: flags.manifest };
      call.report(await relinkCommand(options, await call.log(flags)), flags);
    });
}

function restamp(command: Command, call: Call): Command {
  return withPrepend(withCommonOptions(command))
    .argument('[PATH...]', 'directories, as installed or below the buildroot; default: the whole buildroot')
    .requiredOption('--mtime <time>', 'seconds since 1970, or a date; ostree uses 0, Nix uses 1')
    .option('--buildroot <dir>', buildrootHelp)
    .addOption(fileOption('--manifest <file>', 'the manifest that the build wrote; restamp updates it'))
    .option('--dry-run', dryRunHelp)
    .action(async (paths: string[], flags: Flags & Partial<RestampOptions> & { mtime: string }) => {
      const { restampCommand } = await import('../commands/restamp.ts');
      const { manifest, mtime } = flags;
      const options = { ...treeOptions(flags, call), paths, manifest, mtimeSeconds: readMtime(mtime) };
      call.report(await restampCommand(options, await call.log(flags)), flags);
    });
}

function cache(command: Command, call: Call): Command {
  return withCommonOptions(command)
    .addArgument(new Argument('<ACTION>', 'what to do').choices(['stats', 'trim', 'clear', 'check']))
    .option('--cache-dir <dir>', 'the local cache (default: $PYCLINK_CACHE_DIR)')
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
