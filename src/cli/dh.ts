import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { flagOf } from '../build/option-values.ts';
import { readBuildOptions } from '../build/options.ts';
import { dhCommand } from '../commands/dh.ts';
import { readDebhelperCall } from '../debian/arguments.ts';
import { PyclinkError } from '../errors.ts';
import type { Call } from './call.ts';
import { buildFlags, mergedFlags, withBuildOptions, withCommonOptions } from './options.ts';

/** `pyclink dh WORDS…`, for debhelper: the arguments of dh_pyclink. @throws PyclinkError */
export async function dh(words: readonly string[], call: Call): Promise<void> {
  const debhelperCall = readDebhelperCall(words, call.environment);
  if (debhelperCall.help) return void call.streams.stdout.write(usage);
  const parser = withBuildOptions(withCommonOptions(new Command('dh')))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  parser.parse([...debhelperCall.buildFlags], { from: 'user' });
  if (parser.opts()['manifest'] !== undefined) {
    const hint = '--manifest-dir says where the manifests go';
    throw new PyclinkError('usage', 'dh_pyclink: --manifest: each package has a manifest of its own', { hint });
  }
  const command = debhelperCall.verify ? (await import('../commands/dh-verify.ts')).dhVerifyCommand : dhCommand;
  const result = await command(debhelperCall, {
    source: resolve('.'),
    environment: call.environment,
    outputs: Object.keys(parser.opts()).flatMap((name) => (outputs.has(name) ? flagOf(name) : [])),
    log: () => call.log({ quiet: !debhelperCall.verbose }),
    readOptions: (paths, flags, environment) =>
      readBuildOptions(paths, mergedFlags(buildFlags(parser.opts()), flags), environment, availableParallelism()),
  });
  call.report(result);
}

const usage = `Usage: dh_pyclink [debhelper options] [-n] [-X item] [--postinst=keep|bcep|strip]
         [--manifest-dir=DIR] [--lintian-overrides] [DIR ...] [-- options of pyclink build]
       dh_pyclink_verify [debhelper options]

dh_pyclink compiles the Python bytecode of packages and hard-links identical pycs.
dh_pyclink_verify holds the packages against what dh_pyclink wrote.
See dh_pyclink(1), debhelper(7) and pyclink build --help.
`;

/** The options that name a file, which one package can have. */
const outputs: ReadonlySet<string> = new Set(['filelist', 'filelistFor', 'html']);
