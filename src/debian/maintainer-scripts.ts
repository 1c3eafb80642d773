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
 * The postinst without the sections of dh_python3 that compile at installation.
 * @param which all of them, or those for private directories
 */
export function withoutCompileSections(postinst: string, which: 'all' | 'private'): string {
  return postinst.replaceAll(sectionOfDhPython3, (section) =>
    which === 'all' || privateDirectories(section).length > 0 ? '' : section,
  );
}

/** The runtime.d hook without the line that removes pycs when python3 is configured. */
export function withoutClean(rtupdate: string): string {
  return rtupdate.replaceAll(/^[ \t]*py3clean .*\n/gm, '');
}
