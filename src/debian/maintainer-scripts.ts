/** A directory that dh_python3 has the postinst compile, and for which versions: `-V 3.11` or nothing. */
export interface PrivateDirectory {
  readonly directory: string;
  readonly versions: string | undefined;
}

const sectionOfDhPython3 = /\n?# Automatically added by dh_python3\n[\s\S]*?# End automatically added section\n/g;

/** The private directories in the text of debian/PACKAGE.postinst.debhelper. @see dh_python3(1) */
export function privateDirectories(postinst: string): PrivateDirectory[] {
  return [...postinst.matchAll(/^\s*py3compile -p \S+(.*)$/gm)].flatMap(([, rest = '']) => {
    const versions = /(?:^|\s)-V\s*(\S+)/.exec(rest)?.[1];
    const directory = /(?:^|\s)(\/\S+)/.exec(rest)?.[1];
    return directory === undefined ? [] : { directory, versions };
  });
}

/**
 * The postinst without what dh_python3 added to compile at installation.
 * @param which all of it, or what is about private directories
 */
export function withoutCompileSections(postinst: string, which: 'all' | 'private'): string {
  return postinst.replaceAll(sectionOfDhPython3, (section) =>
    which === 'all' || privateDirectories(section).length > 0 ? '' : section,
  );
}

/** A runtime.d hook that leaves shipped pycs where they are when python3 is configured. */
export function withoutClean(rtupdate: string): string {
  return rtupdate.replaceAll(/^[ \t]*py3clean .*\n/gm, '');
}

/**
 * The file that keeps py3compile from public modules that are compiled already: a line for each package or module at
 * the top of dist-packages, `dir|VERSION|PATH/` or `file|VERSION|PATH`.
 * @param sources installed paths of what was compiled
 * @see `get_exclude_patterns_from_dir` in py3compile
 */
export function bcepText(sources: readonly string[], versions: readonly string[]): string {
  const tops = sources.flatMap((source) => {
    const [, directory, top, rest] = /^(\/usr\/lib\/python3[^/]*\/dist-packages\/)([^/]+)(\/.*)?$/s.exec(source) ?? [];
    if (directory === undefined || top === undefined) return [];
    return rest === undefined ? [`file|%|${directory}${top}`] : [`dir|%|${directory}${top}/`];
  });
  const minors = versions.map((version) => version.split('.').slice(0, 2).join('.'));
  const lines = [...new Set(tops)].flatMap((top) => minors.map((minor) => `${top.replace('%', minor)}\n`));
  return lines.sort().join('');
}

/** A substvars file in which a variable has a new value, whether it had one or not. @see deb-substvars(5) */
export function withSubstvar(substvars: string, name: string, value: string): string {
  const others = substvars.split('\n').filter((line) => line !== '' && !line.startsWith(`${name}=`));
  return [...others, `${name}=${value}`, ''].join('\n');
}

/** The packages without which the pycs are of no use: the versions of python3 that they were compiled for. */
export function dependsText(versions: readonly string[]): string {
  const minors = versions.map((version) => Number(version.split('.')[1])).sort((a, b) => a - b);
  const [first, last] = [minors[0], minors.at(-1)];
  return first === undefined || last === undefined ? '' : `python3 (>= 3.${first}), python3 (<< 3.${last + 1})`;
}

/** Whether a package's paragraph in debian/control mentions the variable. @see deb-src-control(5) */
export function usesDepends(control: string, name: string): boolean {
  const isOwn = (paragraph: string) => /^Package:[ \t]*(\S+)/im.exec(paragraph)?.[1] === name;
  return (
    control
      .split(/\n\s*\n/)
      .find(isOwn)
      ?.includes('{pyclink:Depends}') ?? false
  );
}
