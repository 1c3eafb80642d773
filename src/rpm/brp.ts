import { PyclinkError } from '../errors.ts';

/** A call of `pyclink build`, as its own command line would say it. */
export interface BuildCall {
  readonly paths: readonly string[];
  readonly flags: readonly string[];
}

/**
 * Translates a step that an rpm macro calls, and its words, into calls of `build`. Options of `build` itself follow after `--`.
 * @throws PyclinkError `usage`
 * @see brp-python-bytecompile of rpm up to 4.16 and of redhat-rpm-config; %py_byte_compile of python-rpm-macros
 */
export function translateBrp(step: string, words: readonly string[]): readonly BuildCall[] {
  const end = words.indexOf('--');
  const positions = end < 0 ? words : words.slice(0, end);
  const options = end < 0 ? [] : words.slice(end + 1);
  if (step === 'bytecompile') return bytecompile(positions, options);
  if (step === 'py-byte-compile') return pyByteCompile(positions, options);
  throw usageError(`brp ${step}: no such step`);
}

/** Positions: default interpreter, whether errors end the build, whether to compile elsewhere too, more flags. */
function bytecompile(positions: readonly string[], options: readonly string[]): readonly BuildCall[] {
  if (positions.length > 4) throw usageError('takes one to four positions, then -- and options of build');
  const [defaultInterpreter = '', terminate = '', elsewhere = '', moreFlags = ''] = positions;
  const flags = [
    ...['--errors', isOn(terminate) ? 'fail' : 'warn'],
    ...moreFlags.split(/\s+/).filter((flag) => flag !== ''),
    ...options,
  ];
  const calls: BuildCall[] = [{ paths: [], flags }];
  if (isOn(elsewhere) && defaultInterpreter !== '') {
    const leftOut = notElsewhere.flatMap((glob) => ['--exclude', glob]);
    calls.push({ paths: ['/'], flags: ['--python', defaultInterpreter, ...leftOut, ...flags] });
  }
  return calls;
}

/** Where the brp-python-bytecompile of old does not compile with the default interpreter either. */
const notElsewhere = ['bin', 'sbin', 'lib/python*', 'lib64/python*', 'lib/pypy*', 'lib64/pypy*', '/usr/share/doc'];

function pyByteCompile(positions: readonly string[], options: readonly string[]): readonly BuildCall[] {
  const [interpreter = '', path = ''] = positions;
  if (positions.length !== 2 || interpreter === '' || path === '') {
    throw usageError('%py_byte_compile takes an interpreter and a path');
  }
  if (interpreter.includes(' -')) {
    throw usageError(`%py_byte_compile takes an interpreter without flags, not "${interpreter}"`);
  }
  return [{ paths: [path], flags: ['--python', interpreter, ...options] }];
}

/** As in `[ 0$1 -ne 0 ]`. */
function isOn(text: string): boolean {
  return Number(`0${text}`) !== 0;
}

function usageError(message: string): PyclinkError {
  return new PyclinkError('usage', message);
}
