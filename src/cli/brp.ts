import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { brpCommand } from '../commands/brp.ts';
import { linkCommand } from '../commands/link.ts';
import { PyclinkError } from '../errors.ts';
import { type BuildOptions, readBuildOptions } from '../pipeline/options.ts';
import { type Step, systemLibraries, translateBrp } from '../rpm/brp.ts';
import { existingPycs } from '../rpm/existing.ts';
import { placesOf } from '../rpm/places.ts';
import { counted } from '../text.ts';
import type { Call } from './call.ts';
import { type CommonFlags, withBuildOptions, withCommonOptions } from './options.ts';

/**
 * `pyclink brp STEP WORDS…`, for rpm macros. The words come verbatim from rpm macros; words that look like options are
 * not options of this subcommand.
 * @throws PyclinkError
 */
export async function brp([name, ...words]: readonly string[], call: Call): Promise<void> {
  if (name === undefined) throw new PyclinkError('usage', 'brp: no step given', { hint: 'see docs/rpm.md' });
  const steps = name === 'hardlink' ? [] : translateBrp(name, words);
  const { buildroot } = call;
  // The replaced scripts do nothing without a buildroot.
  if (buildroot === '' || buildroot === '/') return;
  if (name === 'hardlink') {
    const result = await linkCommand({ buildroot, paths: [], normalize: false, dryRun: false }, await call.log());
    call.report(result, { quiet: result.data.links === 0 });
    return;
  }
  const parsed = steps.map((step) => ({ step, ...parse(step.flags) }));
  const common = parsed[0]?.common ?? {};
  const log = await call.log(common);
  const absent: string[] = [];
  const passedOver: string[] = [];
  const notes: string[] = [];
  const hasRest = parsed.some(({ step }) => step.kind === 'rest');
  const builds = parsed.flatMap(({ step, extra, flags }) => {
    const read: ReadBuild = (paths, more = {}) =>
      readBuildOptions(paths, { ...flags, ...more }, call.environment, availableParallelism());
    if (step.kind === 'none') {
      passedOver.push(step.reason);
      return [];
    }
    if (step.kind === 'existing') return existingBuilds(buildroot, read, (line) => notes.push(line));
    if (step.kind === 'system') return systemBuilds(buildroot, extra, hasRest ? ['/'] : [], read);
    // Like rpm's script: without that interpreter, the rest is not compiled.
    if (step.kind === 'rest') return [read(['/'], isMissing(flags['python']) ? { errors: 'warn' } : {})];
    const { builds: named, missing } = namedBuilds(buildroot, step.paths, read);
    absent.push(...missing);
    return named;
  });
  refuseSharedOutputs(builds);
  for (const note of notes) log.info(note);
  for (const reason of passedOver) log.warn(reason);
  for (const path of absent) log.warn({ path }, 'nothing to compile: there is no such file or directory');
  const isSilent = common.quiet === true || common.json === true;
  const print = (line: string) => isSilent || call.streams.stdout.write(`${line}\n`);
  call.report(await brpCommand(builds, call.environment, log, print), common);
}

/** Reads the options of a build of these paths. `more` replaces options of the macros. */
type ReadBuild = (paths: readonly string[], more?: Readonly<Record<string, unknown>>) => BuildOptions;

/** Builds for the system's Python directories, and for others, whose errors are warnings. */
function systemBuilds(
  buildroot: string,
  extra: readonly string[],
  rest: readonly string[],
  read: ReadBuild,
): BuildOptions[] {
  const present = placesOf(
    buildroot,
    extra.map((path) => `${buildroot}/${path}`),
  ).staged;
  const system = { ...read([]), only: { matching: systemLibraries, later: [...present, ...rest] } };
  return present.length === 0 ? [system] : [system, { ...read(present, { errors: 'warn' }), isPackage: true }];
}

/** Builds for existing pycs, each with its levels and invalidation mode. @param say reports sources without pycs */
function existingBuilds(buildroot: string, read: ReadBuild, say: (line: string) => void): BuildOptions[] {
  const { alike, withoutPycs } = existingPycs(buildroot);
  if (withoutPycs > 0) say(`${counted(withoutPycs, 'source')} without pycs not compiled: %pyclink_adds is 0`);
  return alike.map(({ levels, invalidationMode, isSystem, sources }) => ({
    ...read(sources, {
      optimize: levels.map(String),
      invalidationMode,
      ...(isSystem ? {} : { errors: 'warn' }),
    }),
    isPackage: true,
    addsNothing: true,
  }));
}

function isMissing(python: unknown): boolean {
  return typeof python === 'string' && python.startsWith('/') && !existsSync(python);
}

/** Builds for the paths that a spec names. Those outside the buildroot have no manifest and no lists. */
function namedBuilds(buildroot: string, paths: readonly string[], read: ReadBuild) {
  const { staged, elsewhere, missing } = placesOf(buildroot, paths);
  // A spec may package the interpreter that it uses.
  const builds: BuildOptions[] =
    staged.length === 0 ? [] : [{ ...read(staged), pythonMayBeStaged: true, isPackage: true }];
  const withoutOutputs = { manifest: undefined, append: false, filelist: undefined, filelistFor: [], html: undefined };
  for (const [directory, there] of elsewhere) {
    builds.push({
      ...read(there, { ...withoutOutputs, buildroot: directory, strip: '/', prepend: '/' }),
      pythonMayBeStaged: true,
    });
  }
  return { builds, missing };
}

/** Refuses outputs of several builds, because only the manifest can hold them all. @throws PyclinkError `usage` */
function refuseSharedOutputs(builds: readonly BuildOptions[]): void {
  const files = builds.flatMap(({ append, filelist, filelistFor, html }) =>
    append ? [] : [filelist ?? [], filelistFor.map(({ file }) => file), html ?? []].flat(),
  );
  const shared = files.find((file, i) => files.indexOf(file) !== i);
  if (shared === undefined) return;
  const hint = 'use %pyclink_manifest, which collects all of them';
  throw new PyclinkError('usage', 'several builds would write this file, and it would hold only the last one', {
    path: shared,
    hint,
  });
}

/** @throws CommanderError */
function parse(words: Step['flags']): { common: CommonFlags; flags: Record<string, unknown>; extra: string[] } {
  const parser = withBuildOptions(withCommonOptions(new Command('brp')))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  parser.parse([...words], { from: 'user' });
  return { common: parser.opts(), flags: parser.opts(), extra: parser.args };
}
