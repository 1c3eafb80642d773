/** What hooks/dh_pyclink has read, by debhelper's own library, from its arguments and environment. */
export interface DebhelperCall {
  readonly packages: readonly BinaryPackage[];
  /** Called as dh_pyclink_verify. */
  readonly verify: boolean;
  /** Not all packages of the source are acted on, and the call names none of them. */
  readonly isOfSome: boolean;
  /** Directories as installed that are not found otherwise, such as a virtual environment below /opt. */
  readonly directories: readonly string[];
  /** `-n`: do not touch maintainer scripts. */
  readonly noScripts: boolean;
  readonly verbose: boolean;
  /** No line for each package. */
  readonly quiet: boolean;
  readonly noAct: boolean;
  /** What to do with the postinst section of dh_python3, which compiles at installation. */
  readonly postinst: 'keep' | 'bcep' | 'strip';
  readonly manifestDirectory: string | undefined;
  readonly lintianOverrides: boolean;
}

/** A binary package during the build. */
export interface BinaryPackage {
  /** The source package's directory. */
  readonly source: string;
  readonly name: string;
  /** Its build directory, debian/PACKAGE by default. */
  readonly tree: string;
  /**
   * Multi-Arch: same. dpkg compares the files of its instances and takes a hard link for one that differs: "trying to
   * overwrite shared … which is different from other instances".
   */
  readonly isShared: boolean;
}

/** With or without a leading slash, as for dh_python3. */
export function absolute(directory: string): string {
  return `/${directory}`.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
}

/** debhelper's -X leaves out files with this text anywhere in their path. */
export function globOfText(text: string): string {
  const literal = text.replace(/[^\w/.-]/gu, '\\$&');
  return text.startsWith('/') ? `/**${literal}*` : `/**/*${literal}*`;
}
