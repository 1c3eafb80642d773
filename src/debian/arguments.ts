import { PyclinkError } from '../errors.ts';

/** What a debhelper command line and its environment ask of dh_pyclink. */
export interface DebhelperCall {
  /** The flags that choose packages, for dh_listpackages. */
  readonly selection: readonly string[];
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

const selectionFlag = /^(-[ias]|-[pN].+|--(arch|indep|same-arch|remaining-packages)|--(no-)?package=.+)$/;
const selectionWithValue = /^(-[pN]|--(no-)?package)$/;

/**
 * Reads the arguments of dh_pyclink as debhelper's own commands read theirs: options of dh come first, unknown ones
 * behind `-O` are not for us.
 * @throws PyclinkError `usage`
 * @see debhelper(7), COMMON DEBHELPER OPTIONS
 */
export function readDebhelperCall(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): DebhelperCall {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  const fromDh = (environment['DH_INTERNAL_OPTIONS'] ?? '').split('\x1e').filter((word) => word !== '');
  const call = {
    selection: [] as string[],
    directories: [] as string[],
    packageDirectory: undefined as string | undefined,
    excludeGlobs: [] as string[],
    noScripts: false,
    verbose: isSet(environment['DH_VERBOSE']),
    noAct: isSet(environment['DH_NO_ACT']),
    postinst: 'keep' as DebhelperCall['postinst'],
    manifestDirectory: undefined as string | undefined,
    lintianOverrides: false,
    buildFlags: end < 0 ? [] : words.slice(end + 1),
  };
  // dh_listpackages reads what dh handed down by itself.
  read(fromDh, call, () => undefined);
  call.selection = [];
  call.directories = [];
  read(own, call, (word) => {
    throw new PyclinkError('usage', `dh_pyclink: unknown option ${word}`);
  });
  return call;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly string[] ? string[] : T[K] };

function read(words: readonly string[], call: Mutable<DebhelperCall>, onUnknown: (word: string) => void): void {
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    const [, name = '', value] = /^(--[a-z-]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (word.startsWith('-O')) read([word.slice(2)], call, () => undefined);
    else if (selectionFlag.test(word)) call.selection.push(word);
    else if (selectionWithValue.test(word))
      call.selection.push(`${word}${word.startsWith('--') ? '=' : ''}${queue.shift() ?? ''}`);
    else if (/^-P.|^--tmpdir=/.test(word)) call.packageDirectory = word.replace(/^-P|^--tmpdir=/, '');
    else if (/^-X./.test(word) || name === '--exclude') call.excludeGlobs.push(globOfText(value ?? word.slice(2)));
    else if (word === '-n' || word === '--no-scripts' || word === '--noscripts') call.noScripts = true;
    else if (word === '-v' || word === '--verbose') call.verbose = true;
    else if (word === '--no-act') call.noAct = true;
    else if (word === '--lintian-overrides') call.lintianOverrides = true;
    else if (name === '--manifest-dir') call.manifestDirectory = value;
    else if (name === '--postinst') call.postinst = postinstOf(value);
    else if (name === '--mainpackage') continue;
    else if (word.startsWith('-')) onUnknown(word);
    else call.directories.push(word);
  }
}

function postinstOf(value: string | undefined): DebhelperCall['postinst'] {
  if (value === 'keep' || value === 'bcep' || value === 'strip') return value;
  throw new PyclinkError('usage', 'dh_pyclink: --postinst takes keep, bcep or strip');
}

/** debhelper's -X leaves out what has the text anywhere in its name. */
function globOfText(text: string): string {
  return `/**/*${text.replace(/[\\*?[\](){}!+@]/g, '\\$&')}*`;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
