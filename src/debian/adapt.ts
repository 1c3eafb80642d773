import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DebhelperCall } from './arguments.ts';
import { bcepText } from './bcep.ts';
import { withoutClean, withoutCompileSections } from './maintainer-scripts.ts';
import type { BinaryPackage } from './packages.ts';
import { dependsText, usesDepends, withSubstvar } from './substvars.ts';
import { textIfAny } from './text-if-any.ts';

/** What the rest of a package has to know of the pycs in it. */
export interface ShippedPycs {
  /** Installed paths of what was compiled. */
  readonly sources: readonly string[];
  /** Of the Pythons that compiled. */
  readonly versions: readonly string[];
  readonly areHashBased: boolean;
}

/** Makes a package's dependencies, scripts and lintian overrides fit the pycs in it. A second time changes nothing. */
export function adaptPackage(target: BinaryPackage, shipped: ShippedPycs, call: DebhelperCall): void {
  defineDepends(target, shipped.versions);
  // py3compile takes no hash-based pyc for valid.
  const postinst = shipped.areHashBased && call.postinst === 'keep' ? 'bcep' : call.postinst;
  if (!call.noScripts) adaptScripts(target, shipped, postinst);
  if (call.lintianOverrides) overrideLintian(target);
}

/** Only where the package asks for it: dpkg-gencontrol warns about a variable that is not used. */
function defineDepends({ source, name }: BinaryPackage, versions: readonly string[]): void {
  if (!usesDepends(readFileSync(join(source, 'debian/control'), 'utf8'), name)) return;
  const file = join(source, `debian/${name}.substvars`);
  writeFileSync(file, withSubstvar(textIfAny(file), 'pyclink:Depends', dependsText(versions)));
}

function adaptScripts(
  { source, name, tree }: BinaryPackage,
  { sources, versions }: ShippedPycs,
  postinst: DebhelperCall['postinst'],
): void {
  if (postinst !== 'keep') {
    const which = postinst === 'strip' ? 'all' : 'private';
    edit(join(source, `debian/${name}.postinst.debhelper`), (text) => withoutCompileSections(text, which));
  }
  if (postinst === 'bcep') addLines(join(tree, 'usr/share/python3/bcep', name), bcepText(sources, versions));
  // When python3 is configured, this hook cleans the private directories and has them compiled again.
  const hook = join(tree, 'usr/share/python3/runtime.d', `${name}.rtupdate`);
  edit(hook, postinst === 'keep' ? withoutClean : () => '');
  removeEmpty(dirname(hook), tree);
}

/** Shipping pycs is what the tag says, and what the packager wants. */
function overrideLintian({ name, tree }: BinaryPackage): void {
  const line = `${name}: package-installs-python-pycache-dir [*]\n`;
  addLines(join(tree, 'usr/share/lintian/overrides', name), line);
}

/** Adds those lines of a text that a file does not have yet: the packager may have written some. */
function addLines(file: string, text: string): void {
  const linesOf = (lines: string) => lines.split('\n').filter((line) => line !== '');
  const before = linesOf(textIfAny(file));
  const added = linesOf(text).filter((line) => !before.includes(line));
  if (added.length === 0) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, [...before, ...added, ''].join('\n'));
}

function edit(file: string, change: (text: string) => string): void {
  if (!existsSync(file)) return;
  const text = readFileSync(file, 'utf8');
  const changed = change(text);
  // An empty part would become a script that does nothing.
  if (changed.trim() === '') rmSync(file);
  else if (changed !== text) writeFileSync(file, changed);
}

/** Removes a directory and those above it, as far as they are empty. */
function removeEmpty(directory: string, tree: string): void {
  for (let path = directory; path !== tree; path = dirname(path)) {
    if (!existsSync(path)) continue;
    if (readdirSync(path).length > 0) return;
    rmdirSync(path);
  }
}
