import { parseArgs } from 'node:util';
import { messageOf, PyclinkError } from '../errors.ts';

/** What a debhelper command line and its environment ask of dh_pyclink. */
export interface DebhelperCall {
  /** The flags that choose packages, for dh_listpackages. */
  readonly selection: readonly string[];
  /** `--remaining-packages`: without those that an override has called dh_pyclink for. */
  readonly onlyRemaining: boolean;
  /** Directories as installed that no rule would find: a virtual environment below /opt. */
  readonly directories: readonly string[];
  /** The packages' build directory; default: debian/PACKAGE. */
  readonly packageDirectory: string | undefined;
  /** Sources that are left out, by installed path. */
  readonly excludeGlobs: readonly string[];
  /** `-n`: the maintainer scripts are not touched. */
  readonly noScripts: boolean;
  readonly verbose: boolean;
  readonly noAct: boolean;
  /** What becomes of the postinst section of dh_python3, which compiles at installation. */
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
} as const;

/** The options that dh_listpackages has too. */
const selecting: readonly string[] = ['arch', 'indep', 'same-arch', 'package', 'no-package'];

/**
 * Reads the arguments of dh_pyclink as debhelper's own commands read theirs: after those of dh and of DH_OPTIONS; what
 * is unknown there, or behind `-O`, is not for us.
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
    // dh_listpackages reads what was handed down by itself.
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

/** Those of the options that dh_pyclink has. */
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

/** As dh_python3 does, with or without a slash in front. */
function absolute(directory: string): string {
  return `/${directory}`.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
}

/** debhelper's -X leaves out what has the text anywhere in its name. */
function globOfText(text: string): string {
  const literal = text.replace(/[^\w/.-]/gu, '\\$&');
  return text.startsWith('/') ? `/**${literal}*` : `/**/*${literal}*`;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
