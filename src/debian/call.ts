/** The options of dh_pyclink, as debhelper's own library read them. */
export interface DebhelperOptions {
  /** Called as dh_pyclink_verify. */
  readonly verify?: boolean;
  /** The call handles only some packages of the source, without naming any. */
  readonly some?: boolean;
  /** False with `-n`: do not touch maintainer scripts. */
  readonly scripts: boolean;
  readonly verbose?: boolean;
  /** Prints no line for each package. */
  readonly quiet?: boolean;
  readonly dryRun?: boolean;
  /** What to do with the postinst section of dh_python3 that compiles at installation. */
  readonly postinst: 'keep' | 'bcep' | 'strip';
  readonly manifestDir?: string;
  readonly lintianOverrides?: boolean;
}

/** A call of dh_pyclink. */
export interface DebhelperCall extends DebhelperOptions {
  readonly packages: readonly BinaryPackage[];
  /** Installed paths of further directories to compile, such as a virtual environment below /opt. */
  readonly directories: readonly string[];
}

/** A binary package during the build. */
export interface BinaryPackage {
  /** The source package's directory. */
  readonly source: string;
  readonly name: string;
  /** Its build directory, debian/PACKAGE by default. */
  readonly tree: string;
  /**
   * Multi-Arch: same. dpkg compares the files of such packages, and treats a hard link as different: "trying to
   * overwrite shared … which is different from other instances".
   */
  readonly isShared: boolean;
}

/** debhelper's -X excludes files with this text anywhere in their path. */
export function globOfText(text: string): string {
  const literal = text.replace(/[^\w/.-]/gu, '\\$&');
  return text.startsWith('/') ? `/**${literal}*` : `/**/*${literal}*`;
}
