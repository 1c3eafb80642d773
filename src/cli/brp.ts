import { availableParallelism } from 'node:os';
import { readBuildOptions } from '../build/options.ts';
import { brpCommand } from '../commands/brp.ts';
import { linkCommand } from '../commands/link.ts';
import { PyclinkError } from '../errors.ts';
import { translateBrp } from '../rpm/brp.ts';
import type { Call } from './call.ts';
import { buildFlags, type CommonFlags, newCommand, withBuildOptions } from './options.ts';

/**
 * `pyclink brp STEP WORDS…`, for rpm macros. Arguments come verbatim from rpm macros; option-like words are not this
 * subcommand's.
 * @throws PyclinkError
 */
export async function brp([step, ...words]: readonly string[], call: Call): Promise<void> {
  if (step === undefined) throw new PyclinkError('usage', 'brp: no step', { hint: 'see docs/rpm.md' });
  const buildroot = call.environment['RPM_BUILD_ROOT'];
  // The scripts that this replaces do nothing without a buildroot.
  if (buildroot === undefined || buildroot === '' || buildroot === '/') return;
  if (step === 'hardlink') {
    const result = linkCommand({ buildroot, paths: [], normalize: false, dryRun: false }, call.log());
    call.report(result, { quiet: result.data.links === 0 });
    return;
  }
  let common: CommonFlags = {};
  const builds = translateBrp(step, words).map(({ paths, flags }) => {
    const parser = withBuildOptions(newCommand('brp', ''))
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    parser.parse([...flags], { from: 'user' });
    common = parser.opts();
    const given = buildFlags(parser.opts());
    return readBuildOptions([...paths, ...parser.args], given, call.environment, availableParallelism());
  });
  const isSilent = common.quiet === true || common.json === true;
  const print = (line: string) => isSilent || call.streams.stdout.write(`${line}\n`);
  call.report(await brpCommand(builds, call.environment, call.log(common), print), common);
}
