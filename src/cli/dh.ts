import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { dhCommand } from '../commands/dh.ts';
import { type BinaryPackage, type DebhelperOptions, globOfText } from '../debian/call.ts';
import { PyclinkError } from '../errors.ts';
import { plainPath } from '../files/path.ts';
import { flagOf } from '../pipeline/option-values.ts';
import { readBuildOptions } from '../pipeline/options.ts';
import type { Call } from './call.ts';
import { collect, type Flags, mergedFlags, withBuildOptions, withCommonOptions } from './options.ts';

/** `pyclink dh WORDS…`, for hooks/dh_pyclink: one call for all packages that debhelper chose. @throws PyclinkError */
export async function dh(words: readonly string[], call: Call): Promise<void> {
  const parser = withDebhelperOptions(withBuildOptions(withCommonOptions(new Command('dh'))))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  parser.parse([...words], { from: 'user' });
  const flags: Flags & DebhelperFlags = parser.opts();
  if (flags['manifest'] !== undefined) {
    const hint = '--manifest-dir says where the manifests go';
    throw new PyclinkError('usage', 'dh_pyclink: --manifest: each package has its own manifest', { hint });
  }
  const command = flags.verify ? (await import('../commands/dh-verify.ts')).dhVerifyCommand : dhCommand;
  const exclude = (flags.excludeText ?? []).map(globOfText);
  const shared = mergedFlags(flags, { exclude });
  // Like dh_python3, allows a missing leading slash.
  const debhelperCall = { ...flags, packages: packagesOf(flags), directories: parser.args.map(plainPath) };
  const result = await command(debhelperCall, {
    environment: call.environment,
    outputs: Object.keys(flags).flatMap((name) => (outputs.has(name) ? flagOf(name) : [])),
    log: await call.log({ quiet: !flags.verbose }),
    readOptions: (paths, more) =>
      readBuildOptions(paths, mergedFlags(shared, more), call.environment, availableParallelism()),
  });
  call.report(result);
}

interface DebhelperFlags extends DebhelperOptions {
  readonly package?: readonly string[];
  readonly multiArchSame?: readonly string[];
  readonly excludeText?: readonly string[];
}

function withDebhelperOptions(command: Command): Command {
  return command
    .option('--package <name=dir>', 'a package and its build directory, repeatable', collect)
    .option('--multi-arch-same <name>', 'a package that is Multi-Arch: same, repeatable', collect)
    .option('--exclude-text <text>', 'do not compile sources with this text in their path, repeatable', collect)
    .option('--some', 'this call does not handle all packages')
    .option('--no-scripts', 'do not touch maintainer scripts')
    .addOption(
      new Option('--postinst <how>', 'what compiles at installation')
        .choices(['keep', 'bcep', 'strip'])
        .default('keep'),
    )
    .option('--manifest-dir <dir>', 'where copies of the manifests go')
    .option('--lintian-overrides', 'override the lintian tag for shipped pycs')
    .option('--verify', 'check the packages against what dh_pyclink wrote');
}

function packagesOf({ package: given = [], multiArchSame = [] }: DebhelperFlags): BinaryPackage[] {
  return given.map((text) => {
    const [, name = '', directory = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    return { source: resolve('.'), name, tree: resolve(directory), isShared: multiArchSame.includes(name) };
  });
}

/** Options that name a file, which only one package can write. */
const outputs: ReadonlySet<string> = new Set(['filelist', 'filelistFor', 'html']);
