import { PyclinkError } from '../errors.ts';

/** A step of a build that rpm macros ask for. */
export type Step =
  /** The directories of the system's Pythons. */
  | { readonly kind: 'system'; readonly flags: readonly string[] }
  /** Existing pycs only. */
  | { readonly kind: 'existing'; readonly flags: readonly string[] }
  /** Everything else, with an interpreter that the system names. */
  | { readonly kind: 'rest'; readonly flags: readonly string[] }
  /** Files and directories that a spec names, with their interpreter. */
  | { readonly kind: 'named'; readonly paths: readonly string[]; readonly flags: readonly string[] }
  /** Nothing, for this reason. */
  | { readonly kind: 'none'; readonly reason: string; readonly flags: readonly string[] };

/**
 * The directories that Fedora's brp-python-bytecompile compiles, as installed, and the one that Debian's Pythons share.
 * @see brp-python-bytecompile of python-rpm-macros
 */
export const systemLibraries = /\/(?:usr|app)\/lib(?:64)?\/python\d\.\d+\/|^\/usr\/lib\/python3\/dist-packages\//;

/**
 * Translates the arguments of an rpm macro to steps. Options of `build` come first and end with `--`; the rest is the
 * call that pyclink replaces. So a shell's `;`, `||` or `>` after that call still applies to all of it.
 * @throws PyclinkError `usage`
 * @see brp-python-bytecompile of rpm up to 4.16 and of python-rpm-macros; %py_byte_compile of python-rpm-macros
 */
export function translateBrp(step: string, words: readonly string[]): readonly Step[] {
  const end = words.indexOf('--');
  const options = end < 0 ? [] : words.slice(0, end);
  const call = words.slice(end + 1);
  if (step === 'bytecompile') return end < 0 ? bytecompile(call, options) : replacedScript(call, options);
  if (step === 'py-byte-compile') return [pyByteCompile(call, options)];
  throw usageError(`brp ${step}: no such step`);
}

/** The first option, if %pyclink_adds is 0. */
const existingOnly = '--existing';

/** A spec that removes the script from the line removes the step. */
function replacedScript([script, ...positions]: readonly string[], options: readonly string[]): readonly Step[] {
  return script === undefined ? [] : bytecompile(positions, options);
}

/** Positions: default interpreter, whether errors end the build, whether to compile other directories, more flags. */
function bytecompile(positions: readonly string[], options: readonly string[]): readonly Step[] {
  if (positions.length > 4) throw usageError('takes one to four arguments');
  const [defaultInterpreter = '', terminate = '', elsewhere = '', moreFlags = ''] = positions;
  // `-j` without a number: %_smp_build_ncpus is defined but empty.
  const flags = [
    ...['--errors', isOn(terminate) ? 'fail' : 'warn'],
    ...moreFlags.split(/\s+/).filter((flag) => flag !== '' && flag !== '-j'),
    ...options,
  ];
  if (options[0] === existingOnly) return [{ kind: 'existing', flags: flags.filter((flag) => flag !== existingOnly) }];
  const steps: Step[] = [{ kind: 'system', flags }];
  if (isOn(elsewhere) && defaultInterpreter !== '') {
    const leftOut = notElsewhere.flatMap((glob) => ['--exclude', glob]);
    steps.push({ kind: 'rest', flags: ['--python', defaultInterpreter, ...leftOut, ...flags] });
  }
  return steps;
}

/** What rpm's own brp-python-bytecompile does not compile with the default interpreter. */
const systemGlobs = ['usr', 'app'].flatMap((top) => [`${top}/lib/python*`, `${top}/lib64/python*`]);
const notElsewhere = ['bin', 'sbin', ...systemGlobs, '/usr/share/doc'];

function pyByteCompile(positions: readonly string[], options: readonly string[]): Step {
  const [interpreter = '', ...paths] = positions;
  if (interpreter === '' || paths.length === 0 || paths.includes('')) {
    throw usageError('%py_byte_compile takes an interpreter and paths');
  }
  // A spec with `%{?py_byte_compile:…}` may name an interpreter macro that the system does not have.
  if (interpreter.startsWith('%')) {
    return { kind: 'none', reason: `nothing compiled with ${interpreter}: there is no such macro`, flags: options };
  }
  const flag = positions.find((word) => word.startsWith('-'));
  if (interpreter.includes(' -') || flag !== undefined) {
    throw usageError(`%py_byte_compile takes an interpreter without flags, not "${flag ?? interpreter}"`);
  }
  return { kind: 'named', paths, flags: ['--python', interpreter, ...options] };
}

/** As in `[ 0$1 -ne 0 ]`. */
function isOn(text: string): boolean {
  return Number(`0${text}`) !== 0;
}

function usageError(message: string): PyclinkError {
  return new PyclinkError('usage', message);
}
