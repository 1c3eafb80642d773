import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bcepText } from './bcep.ts';
import type { BinaryPackage, DebhelperCall } from './call.ts';
import { cleaningOnRemoval, withoutClean, withoutCompileSections } from './maintainer-scripts.ts';
import { textIfAny } from './packages.ts';
import { dependsText, usesDepends, withSubstvar } from './substvars.ts';
import { addToTree, editInTree } from './tree-file.ts';

/** What the rest of a package needs to know about its pycs. */
export interface ShippedPycs {
  /** Installed paths of the compiled sources. */
  readonly sources: readonly string[];
  /** The versions of the interpreters that compiled. */
  readonly versions: readonly string[];
  readonly areHashBased: boolean;
}

/** Adapts a package's dependencies, scripts and lintian overrides to its pycs. Idempotent. */
export function adaptPackage(target: BinaryPackage, shipped: ShippedPycs, call: DebhelperCall): void {
  defineDepends(target, shipped.versions);
  // py3compile treats hash-based pycs as outdated.
  const postinst = shipped.areHashBased && call.postinst === 'keep' ? 'bcep' : call.postinst;
  if (call.scripts) adaptScripts(target, shipped, postinst);
  if (call.lintianOverrides) overrideLintian(target);
}

/** Sets the variable only if debian/control uses it, because dpkg-gencontrol warns about unused variables. */
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
    // An empty snippet would become a script that does nothing.
    editInTree(source, `/debian/${name}.postinst.debhelper`, (text) => withoutCompileSections(text, which));
  }
  editInTree(source, `/debian/${name}.prerm.debhelper`, cleaningOnRemoval);
  if (postinst === 'bcep') addToTree(tree, `/usr/share/python3/bcep/${name}`, bcepText(sources, versions));
  // This hook cleans the private directories and recompiles them when python3 is configured.
  const hook = `/usr/share/python3/runtime.d/${name}.rtupdate`;
  editInTree(tree, hook, postinst === 'keep' ? withoutClean : () => '');
}

/** Overrides the tag for shipped pycs, because they are intended. */
function overrideLintian({ name, tree }: BinaryPackage): void {
  const line = `${name}: package-installs-python-pycache-dir [*]\n`;
  addToTree(tree, `/usr/share/lintian/overrides/${name}`, line);
}
