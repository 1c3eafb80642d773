/** A directory that dh_python3 has the postinst compile, and for which versions: `-V 3.11` or nothing. */
export interface PrivateDirectory {
  readonly directory: string;
  readonly versions: string | undefined;
  /** Python's regular expressions for sources that are left out, as installed or below the directory: `-X`. */
  readonly excludes: readonly string[];
}

/** When the last instance of a Multi-Arch: same package goes; not where dpkg may still keep the files as they are. */
const onRemoval = 'if [ "$1" = remove ] && [ "${DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT:-1}" -le 1 ]; then\n';

const sectionOfDhPython3 = /\n?# Automatically added by dh_python3\n[\s\S]*?# End automatically added section\n/g;

/** The private directories in the text of debian/PACKAGE.postinst.debhelper. @see dh_python3(1) */
export function privateDirectories(postinst: string): PrivateDirectory[] {
  return [...postinst.matchAll(/^\s*py3compile -p \S+(.*)$/gm)].flatMap(([, rest = '']) => {
    const versions = /(?:^|\s)-V\s*(\S+)/.exec(rest)?.[1];
    const directory = /^\s*(\/\S+)/.exec(rest)?.[1];
    const excludes = [...rest.matchAll(/\s-X '((?:[^']|'\\'')*)'/g)].map(([, quoted = '']) =>
      quoted.replaceAll("'\\''", "'"),
    );
    return directory === undefined ? [] : { directory, versions, excludes };
  });
}

/**
 * The postinst without the sections of dh_python3 that compile at installation.
 * @param which all of them, or those for private directories
 */
export function withoutCompileSections(postinst: string, which: 'all' | 'private'): string {
  return postinst.replaceAll(sectionOfDhPython3, (section) =>
    which === 'all' || privateDirectories(section).length > 0 ? '' : section,
  );
}

/** The paths that a maintainer script diverts, as far as it names them. @see dpkg-divert(1) */
export function divertedPaths(script: string): string[] {
  const calls = script.replaceAll('\\\n', ' ').match(/\bdpkg-divert\b.*/g) ?? [];
  return calls.flatMap((call) => call.match(/(?<=[\s"'])\/[^\s"']+/g) ?? []);
}

/** The runtime.d hook without the line that removes pycs when python3 is configured. */
export function withoutClean(rtupdate: string): string {
  return rtupdate.replaceAll(/^[ \t]*py3clean .*\n/gm, '');
}

/** The prerm that cleans only when the package is removed: py3clean removes pycs that are shipped, too. @see deb-prerm(5) */
export function cleaningOnRemoval(prerm: string): string {
  return prerm.replaceAll(sectionOfDhPython3, (section) =>
    section.includes(onRemoval)
      ? section
      : section.replace(/(?<=dh_python3\n).*(?=# End)/s, (body) => `${onRemoval}${body}fi\n`),
  );
}
