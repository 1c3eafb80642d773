import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Environment } from '../bytecode/environment.ts';
import type { BuildOptions } from '../config.ts';
import type { DebhelperCall } from '../debian/arguments.ts';
import {
  bcepText,
  dependsText,
  usesDepends,
  withoutClean,
  withoutCompileSections,
  withSubstvar,
} from '../debian/maintainer-scripts.ts';
import { changelogSeconds, findDirectories, listPackages, type PackageDirectories } from '../debian/packages.ts';
import { exitStatus } from '../errors.ts';
import type { Log } from '../log.ts';
import { recordsOf } from '../manifest/encode.ts';
import { readManifest } from '../manifest/file.ts';
import { build } from '../pipeline.ts';
import { type BuildReport, summaryLine } from '../report/build-report.ts';
import { hasProblems, logOutcomes } from './build.ts';
import type { CommandResult } from './result.ts';

/** What dh_pyclink needs of the world. */
export interface DhContext {
  /** The source package's directory. */
  readonly source: string;
  readonly environment: Environment;
  readonly log: Log;
  /** Reads paths, flags and environment into the options of a build. */
  readonly readOptions: (paths: readonly string[], flags: object, environment: Environment) => BuildOptions;
}

/** `pyclink dh`: what dh_pyclink does for each package. Silent unless verbose. @throws PyclinkError */
export async function dhCommand(call: DebhelperCall, context: DhContext): Promise<CommandResult> {
  const { source, log } = context;
  const epoch = context.environment['SOURCE_DATE_EPOCH'] || (await changelogSeconds(source));
  const environment = { ...context.environment, ...(epoch === undefined ? {} : { SOURCE_DATE_EPOCH: epoch }) };
  const lines: string[] = [];
  const reports: BuildReport[] = [];
  for (const name of await listPackages(source, call.selection)) {
    const tree = join(source, call.packageDirectory ?? `debian/${name}`);
    const directories = findDirectories(source, name, tree, call.directories);
    if (directories.length > 0) {
      lines.push(...directories.map(({ paths }) => `\tpyclink build --buildroot ${tree} ${paths.join(' ')}`));
      if (call.noAct) continue;
      const done = await buildPackage(name, tree, directories, call, { ...context, environment });
      for (const report of done) logOutcomes(report, log);
      lines.push(...done.map(summaryLine));
      reports.push(...done);
    }
    if (context.environment['DH_INTERNAL_OVERRIDE'] && !call.noAct) {
      appendFileSync(join(source, `debian/${name}.debhelper.log`), 'dh_pyclink\n');
    }
  }
  return {
    status: reports.some(hasProblems) ? exitStatus.problems : exitStatus.done,
    text: call.verbose ? lines.map((line) => `${line}\n`).join('') : '',
    data: reports,
  };
}

async function buildPackage(
  name: string,
  tree: string,
  directories: readonly PackageDirectories[],
  call: DebhelperCall,
  { source, environment, readOptions }: DhContext,
): Promise<BuildReport[]> {
  const manifest =
    call.manifestDirectory === undefined
      ? join(source, 'debian/.debhelper/generated', name, 'pyclink.json')
      : join(source, call.manifestDirectory, `${name}.json`);
  mkdirSync(dirname(manifest), { recursive: true });
  const reports: BuildReport[] = [];
  let invalidationMode: BuildOptions['invalidationMode'] = 'timestamp';
  for (const [index, { paths, python }] of directories.entries()) {
    const flags = { buildroot: tree, manifest, append: index > 0, ...(python === undefined ? {} : { python }) };
    const options = readOptions(paths, { ...flags, exclude: call.excludes.map(globOfText) }, environment);
    invalidationMode = options.invalidationMode;
    reports.push(await build(options, { environment, onInterpreter: () => undefined, onProgress: () => undefined }));
  }
  const versions = reports.flatMap((report) => report.interpreters.map((interpreter) => interpreter.version));
  writeSubstvar(source, name, versions);
  if (!call.noScripts) {
    const postinst = invalidationMode === 'timestamp' || call.postinst !== 'keep' ? call.postinst : 'bcep';
    const sources = recordsOf(readManifest(manifest)).map((record) => record.source);
    adaptScripts(join(source, `debian/${name}.postinst.debhelper`), name, tree, postinst, bcepText(sources, versions));
  }
  if (call.lintianOverrides) overrideLintian(tree, name);
  return reports;
}

function adaptScripts(script: string, name: string, tree: string, postinst: string, bcep: string): void {
  if (postinst !== 'keep') {
    edit(script, (text) => withoutCompileSections(text, postinst === 'strip' ? 'all' : 'private'));
  }
  if (postinst === 'bcep' && bcep !== '') {
    const file = join(tree, 'usr/share/python3/bcep', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bcep);
  }
  // When python3 is configured, this hook cleans the private directories and has them compiled again.
  const hook = join(tree, 'usr/share/python3/runtime.d', `${name}.rtupdate`);
  edit(hook, postinst === 'keep' ? withoutClean : () => '');
  removeEmpty(dirname(hook), tree);
}

/** Only where the package asks for it: dpkg-gencontrol warns about a variable that is not used. */
function writeSubstvar(source: string, name: string, versions: readonly string[]): void {
  if (!usesDepends(readFileSync(join(source, 'debian/control'), 'utf8'), name)) return;
  const file = join(source, `debian/${name}.substvars`);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  writeFileSync(file, withSubstvar(text, 'pyclink:Depends', dependsText(versions)));
}

/** Shipping pycs is what the tag says, and what the packager wants. */
function overrideLintian(tree: string, name: string): void {
  const file = join(tree, 'usr/share/lintian/overrides', name);
  const line = `${name}: package-installs-python-pycache-dir [*]\n`;
  mkdirSync(dirname(file), { recursive: true });
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (!text.includes(line)) writeFileSync(file, text + line);
}

/** Removes a directory and those above it, as far as they are empty. */
function removeEmpty(directory: string, tree: string): void {
  for (let path = directory; path !== tree; path = dirname(path)) {
    if (!existsSync(path)) continue;
    if (readdirSync(path).length > 0) return;
    rmdirSync(path);
  }
}

function edit(file: string, change: (text: string) => string): void {
  if (!existsSync(file)) return;
  const text = readFileSync(file, 'utf8');
  const changed = change(text);
  // An empty part would become a script that does nothing.
  if (changed.trim() === '') rmSync(file);
  else if (changed !== text) writeFileSync(file, changed);
}

/** debhelper's -X leaves out what has the text anywhere in its name. */
function globOfText(text: string): string {
  return `/**/*${text.replace(/[\\*?[\](){}!+@]/g, '\\$&')}*`;
}
