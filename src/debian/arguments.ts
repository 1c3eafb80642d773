import { parseArgs } from 'node:util';
import { messageOf, PyclinkError } from '../errors.ts';

/** The command line of dh_pyclink, with what debhelper's environment adds to it. */
export interface DebhelperCall {
  readonly help: boolean;
  /** Called as dh_pyclink_verify. */
  readonly verify: boolean;
  /** The flags that select packages, for dh_listpackages. */
  readonly selection: readonly string[];
  /** dh asks for some of the packages only, and the call does not name its own. */
  readonly isOfSome: boolean;
  /** `--remaining-packages`: skip those for which an override has called dh_pyclink. */
  readonly onlyRemaining: boolean;
  /** Directories as installed that are not found otherwise, such as a virtual environment below /opt. */
  readonly directories: readonly string[];
  /** The build directory of the package; default: debian/PACKAGE. */
  readonly packageDirectory: string | undefined;
  /** Sources to leave out, by installed path. */
  readonly excludeGlobs: readonly string[];
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
  /** Options of `pyclink build`, after `--`. */
  readonly buildFlags: readonly string[];
}

const options = {
  arch: { type: 'boolean', short: 'a' },
  indep: { type: 'boolean', short: 'i' },
  'same-arch': { type: 'boolean', short: 's' },
  package: { type: 'string', short: 'p', multiple: true },
  'no-package': { type: 'string', short: 'N', multiple: true },
  'remaining-packages': { type: 'boolean' },
  tmpdir: { type: 'string', short: 'P' },
  exclude: { type: 'string', short: 'X', multiple: true },
  'no-scripts': { type: 'boolean', short: 'n' },
  noscripts: { type: 'boolean' },
  verbose: { type: 'boolean', short: 'v' },
  'no-act': { type: 'boolean' },
  mainpackage: { type: 'string' },
  postinst: { type: 'string' },
  'manifest-dir': { type: 'string' },
  'lintian-overrides': { type: 'boolean' },
  verify: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** The options that dh_listpackages takes too. */
const selecting: readonly string[] = ['arch', 'indep', 'same-arch', 'package', 'no-package'];

/**
 * Reads the arguments of dh_pyclink as debhelper's own commands read theirs: after those of dh and of DH_OPTIONS.
 * Unknown options there, and behind `-O`, are ignored.
 * @throws PyclinkError `usage`
 * @see debhelper(7), COMMON DEBHELPER OPTIONS
 */
export function readDebhelperCall(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): DebhelperCall {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  const isOptional = (word: string) => word.startsWith('-O');
  const call = read([...own.filter((word) => !isOptional(word)), ...ofOurs(own.filter(isOptional))]);
  const inherited = read(
    ofOurs([
      ...(environment['DH_INTERNAL_OPTIONS'] ?? '').split('\x1e'),
      ...(environment['DH_OPTIONS'] ?? '').split(/\s+/),
    ]),
  );
  const values = { ...inherited.values, ...call.values };
  const excludes = [...(inherited.values.exclude ?? []), ...(call.values.exclude ?? [])];
  return {
    help: values.help === true,
    verify: values.verify === true,
    isOfSome: selecting.some((name) => Object.hasOwn(inherited.values, name)) && call.values.package === undefined,
    // dh_listpackages reads the environment itself.
    selection: call.tokens.flatMap((token) =>
      token.kind === 'option' && selecting.includes(token.name)
        ? [`--${token.name}${token.value === undefined ? '' : `=${token.value}`}`]
        : [],
    ),
    onlyRemaining: values['remaining-packages'] === true,
    directories: call.positionals.map(absolute),
    packageDirectory: values.tmpdir,
    excludeGlobs: excludes.map(globOfText),
    noScripts: values['no-scripts'] === true || values.noscripts === true,
    verbose: values.verbose === true || isSet(environment['DH_VERBOSE']),
    quiet: isSet(environment['DH_QUIET']) || /\bterse\b/.test(environment['DEB_BUILD_OPTIONS'] ?? ''),
    noAct: values['no-act'] === true || isSet(environment['DH_NO_ACT']),
    postinst: postinstOf(values.postinst ?? 'keep'),
    manifestDirectory: values['manifest-dir'],
    lintianOverrides: values['lintian-overrides'] === true,
    buildFlags: end < 0 ? [] : words.slice(end + 1),
  };
}

function read(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, tokens: true });
  } catch (error) {
    throw new PyclinkError('usage', `dh_pyclink: ${messageOf(error).replace(/\. .*/s, '')}`);
  }
}

/** The options that dh_pyclink has. */
function ofOurs(words: readonly string[]): string[] {
  return words
    .map((word) => word.replace(/^-O/, ''))
    .filter((word) => {
      try {
        return read([word]).positionals.length === 0;
      } catch {
        return false;
      }
    });
}

function postinstOf(value: string): DebhelperCall['postinst'] {
  if (value === 'keep' || value === 'bcep' || value === 'strip') return value;
  throw new PyclinkError('usage', 'dh_pyclink: --postinst takes keep, bcep or strip');
}

/** With or without a leading slash, as for dh_python3. */
function absolute(directory: string): string {
  return `/${directory}`.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
}

/** debhelper's -X leaves out files with this text anywhere in their path. */
function globOfText(text: string): string {
  const literal = text.replace(/[^\w/.-]/gu, '\\$&');
  return text.startsWith('/') ? `/**${literal}*` : `/**/*${literal}*`;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
