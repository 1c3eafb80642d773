import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { openTree } from '../buildroot/open.ts';
import { toPayload } from '../buildroot/path.ts';
import { expandPatterns } from '../buildroot/path-patterns.ts';
import type { Environment } from '../compile/environment.ts';
import { adaptPackage, type ShippedPycs } from '../debian/adapt.ts';
import type { BinaryPackage, DebhelperCall } from '../debian/call.ts';
import {
  findDirectories,
  findDiverted,
  keepManifest,
  manifestFile,
  type PackageDirectories,
} from '../debian/packages.ts';
import { PyclinkError } from '../errors.ts';
import type { StagedPath } from '../files/path.ts';
import { lstatIfAny } from '../files/stat.ts';
import type { Log } from '../log.ts';
import { recordsOf } from '../manifest/encode.ts';
import { readManifest } from '../manifest/read.ts';
import type { Manifest, PycRecord } from '../manifest/schema.ts';
import { build } from '../pipeline/build.ts';
import type { BuildOptions } from '../pipeline/options.ts';
import type { BuildReport } from '../pipeline/report.ts';
import { summaryLines } from '../report/build-report.ts';
import { logOutcomes, statusOfBuilds } from './build.ts';
import type { CommandResult } from './result.ts';

/** What dh_pyclink needs besides its arguments. */
export interface DhContext {
  readonly environment: Environment;
  /** The options that name a file to write. */
  readonly outputs: readonly string[];
  readonly log: Log;
  /** Converts paths, and flags in addition to those of the call, to the options of a build. */
  readonly readOptions: (paths: readonly string[], flags: object) => BuildOptions;
}

/** Expands the patterns among installed paths to the directories of a package. Returns other paths as they are. */
async function expandedIn({ tree }: BinaryPackage, paths: readonly string[]): Promise<string[]> {
  if (lstatIfAny(tree) === undefined) return [...paths];
  const buildroot = openTree(tree);
  const expanded = await expandPatterns(buildroot, paths);
  return expanded.map((path) => (paths.includes(path) ? path : toPayload(buildroot, path as StagedPath)));
}

/** `pyclink dh`: runs dh_pyclink. Prints one line for each package and interpreter. @throws PyclinkError */
export async function dhCommand(call: DebhelperCall, context: DhContext): Promise<CommandResult> {
  const { log, outputs } = context;
  const lines: string[] = [];
  const reports: BuildReport[] = [];
  const targets = await Promise.all(
    call.packages.map(async (target) => {
      const named = await expandedIn(target, call.directories);
      return { target, named, directories: findDirectories(target, named) };
    }),
  );
  const busy = targets.filter(({ directories }) => directories.length > 0).map(({ target }) => target.name);
  if (outputs.length > 0 && busy.length > 1) {
    const message = `dh_pyclink: ${outputs.join(', ')}: ${busy.join(', ')} would overwrite one file`;
    throw new PyclinkError('usage', message, { hint: 'call dh_pyclink for each package: -p PACKAGE' });
  }
  const found = new Set(targets.flatMap(({ directories }) => directories.flatMap(({ paths }) => paths)));
  const isFound = (path: string) => found.has(path) || targets.some(({ named }) => !named.includes(path));
  for (const path of call.directories.filter((directory) => !isFound(directory))) {
    const message = 'is not a directory in any of the packages';
    // The directory may be in a package that is not built this time.
    if (!call.some && !call.dryRun) throw new PyclinkError('usage', message, { path });
    log.warn({ path }, message);
  }
  for (const { target, directories } of targets) {
    if (call.verbose) {
      lines.push(...directories.map(({ paths }) => `\tpyclink build --buildroot ${target.tree} ${paths.join(' ')}`));
    }
    if (call.dryRun || directories.length === 0) continue;
    const done = await buildPackage(target, directories, call, context);
    for (const path of done.flatMap(({ withoutSources }) => withoutSources)) {
      if (call.directories.includes(path)) log.warn({ path }, `nothing to compile in ${target.name}: no .py files`);
    }
    for (const report of done) logOutcomes(report, log);
    const busy = done.filter(({ sources }) => sources > 0);
    lines.push(...busy.flatMap((report) => summaryLines(report, target.name)));
    reports.push(...done);
  }
  return {
    status: statusOfBuilds(reports),
    text: call.quiet && !call.verbose ? '' : lines.map((line) => `${line}\n`).join(''),
    data: reports,
  };
}

async function buildPackage(
  target: BinaryPackage,
  directories: readonly PackageDirectories[],
  call: DebhelperCall,
  { environment, readOptions, log }: DhContext,
): Promise<BuildReport[]> {
  const manifest = manifestFile(target);
  mkdirSync(dirname(manifest), { recursive: true });
  const reports: BuildReport[] = [];
  const { isShared } = target;
  if (isShared) log.warn(`${target.name}: not linked: dpkg refuses hard links in a Multi-Arch: same package`);
  for (const { paths, python, excludeRegex } of directories) {
    // An override and the addon may both process a package.
    const link = isShared ? { link: false } : {};
    const flags = { buildroot: target.tree, manifest, append: true, excludeRegex, ...link };
    const read = readOptions(paths, python === undefined ? flags : { ...flags, python });
    const options = { ...read, isPackage: true };
    const silent = { onInterpreter: () => undefined, onProgress: () => undefined };
    const warn = (message: string) => log.warn(message);
    reports.push(await build(options, { environment, warn, ...silent }));
  }
  if (call.manifestDir !== undefined) keepManifest(target, call.manifestDir);
  const written = readManifest(manifest);
  const diverted = findDiverted(target);
  const isWhole = ({ source, paths }: PycRecord) => !diverted.has(source) || paths.every((path) => diverted.has(path));
  const parted = recordsOf(written).filter((record) => !isWhole(record));
  for (const path of new Set(parted.map(({ source }) => source))) {
    const message = `${target.name} diverts it, but not its pycs, which the other package may ship too`;
    const hint = 'divert each of its pycs as well, or exclude it with -X';
    log.warn({ path, hint }, message);
  }
  adaptPackage(target, shippedIn(written), call);
  return reports;
}

function shippedIn(manifest: Manifest): ShippedPycs {
  return {
    sources: recordsOf(manifest).map((record) => record.source),
    versions: manifest.interpreters.flatMap(({ implementation, version }) =>
      implementation === 'cpython' ? version : [],
    ),
    areHashBased: manifest.invalidationModes.some((mode) => mode !== 'timestamp'),
  };
}
