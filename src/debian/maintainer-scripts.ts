/** A directory that the postinst of dh_python3 compiles, and the versions for it: `-V 3.11` or nothing. */
export interface PrivateDirectory {
  readonly directory: string;
  readonly versions: string | undefined;
  /** Python regular expressions for excluded sources, for the installed path or the path in the directory: `-X`. */
  readonly excludes: readonly string[];
}

/** True when the last instance of a Multi-Arch: same package is removed and dpkg will not keep the files. */
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

/** The paths that a maintainer script diverts, as far as they are literal. @see dpkg-divert(1) */
export function divertedPaths(script: string): string[] {
  const calls = script.replaceAll('\\\n', ' ').match(/\bdpkg-divert\b.*/g) ?? [];
  return calls.flatMap((call) => call.match(/(?<=[\s"'])\/[^\s"']+/g) ?? []);
}

/** The runtime.d hook without the line that removes pycs when python3 is configured. */
export function withoutClean(rtupdate: string): string {
  return rtupdate.replaceAll(/^[ \t]*py3clean .*\n/gm, '');
}

/** Makes the prerm clean only on removal, because py3clean also removes shipped pycs. @see deb-prerm(5) */
export function cleaningOnRemoval(prerm: string): string {
  return prerm.replaceAll(sectionOfDhPython3, (section) =>
    section.includes(onRemoval)
      ? section
      : section.replace(/(?<=dh_python3\n).*(?=# End)/s, (body) => `${onRemoval}${body}fi\n`),
  );
}
