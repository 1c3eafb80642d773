/** The value that a command line gives for an option; undefined if it is missing. */
type Given = string | readonly string[] | boolean | undefined;

/** Parses a value of an option. */
interface Parse<T> {
  (given: string): T;
  /** All allowed values, if there are only a few. */
  readonly choices?: readonly string[];
}

/** Reads all values of an option, or returns the default. @throws InvalidValue */
export interface Reader<T> {
  (given: Given): T;
  /** The option may be given more than once. */
  readonly isRepeatable?: boolean;
  /** A second value is an error. For other options that are not repeatable, the last value counts. */
  readonly isUnique?: boolean;
  /** All allowed values, if there are only a few. For completions. */
  readonly choices?: readonly string[] | undefined;
}

/** An option: its flags, its help text, and the reader of its value. */
export interface Option<T> {
  /** In commander's notation. The long flag, in camel case, is the key of the option. */
  readonly flags: string;
  readonly help: string;
  readonly read: Reader<T>;
}

/** An option. */
export function option<T>(flags: string, help: string, read: Reader<T>): Option<T> {
  return { flags, help, read };
}

/** A value that an option does not take. The message says which values it takes. */
export class InvalidValue extends Error {
  override readonly name = 'InvalidValue';
}

/** Any text. */
export const anyText: Parse<string> = (given) => given;

/** Text for which `isRight` holds. */
export function text(expected: string, isRight: (given: string) => boolean = (given) => given !== ''): Parse<string> {
  return (given) => {
    if (!isRight(given)) throw new InvalidValue(expected);
    return given;
  };
}

/** One of these words. */
export function word<const W extends string>(words: readonly W[], expected: string): Parse<W> {
  const parse = (given: string) => {
    const found = words.find((known) => known === given);
    if (found === undefined) throw new InvalidValue(expected);
    return found;
  };
  return Object.assign(parse, { choices: words });
}

/** An absolute path. */
export const absoluteDirectory = text('takes an absolute directory', (given) => given.startsWith('/'));

const aSize = text('takes a size in bytes, or with K, M, G or T', (given) => /^\d{1,12}[KMGT]?$/.test(given));

/** A size in bytes. @throws InvalidValue */
export function sizeInBytes(given: string): number {
  const [, digits = '', unit = ''] = /^(\d+)(.?)$/.exec(aSize(given)) ?? [];
  return Number(digits) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(unit);
}

const aTime = text(
  'takes seconds since 1970, or a date and time in UTC, such as 2026-01-31T12:00:00Z',
  (given) => /^\d{1,11}$/.test(given) || (/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?$/.test(given) && isDate(given)),
);

/** Whether a date exists: Date.parse reads 30 February as 1 March. */
function isDate(given: string): boolean {
  const milliseconds = Date.parse(given);
  return milliseconds >= 0 && new Date(milliseconds).toISOString().startsWith(given.replace(/Z$/, '.000Z'));
}

/** Seconds since 1970. @throws InvalidValue */
export function timeInSeconds(given: string): number {
  const time = aTime(given);
  return /^\d+$/.test(time) ? Number(time) : Date.parse(time) / 1000;
}

/** The flag of an option, derived from its key. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** At most one value. @param ifAlone the value of an option that is given without one, as in `--cache-verify` */
export function once<T>(parse: Parse<T>): Reader<T | undefined>;
export function once<T>(parse: Parse<T>, ifNotGiven: T, ifAlone?: T): Reader<T>;
export function once<T>(parse: Parse<T>, ifNotGiven?: T, ifAlone = ifNotGiven): Reader<T | undefined> {
  const read = (given: Given) => (typeof given === 'string' ? parse(given) : given === true ? ifAlone : ifNotGiven);
  return Object.assign(read, { choices: parse.choices });
}

/** A file, given at most once, because one of two values would be ignored. */
export function oneFile(): Reader<string | undefined> {
  return Object.assign(once(text('takes a file')), { isUnique: true });
}

/** Any number of values. A list of something other than text does not come from a command line, and is refused. */
export function each<T>(parse: Parse<T>, ifNotGiven: readonly T[] = []): Reader<readonly T[]> {
  const read = (given: Given) => {
    if (!Array.isArray(given)) return ifNotGiven;
    if (given.some((one) => typeof one !== 'string')) throw new InvalidValue('takes text');
    return given.map((one) => parse(one));
  };
  return Object.assign(read, { isRepeatable: true, choices: parse.choices });
}

/** A switch. @param ifNotGiven its value without the option */
export function flag(ifNotGiven: boolean): Reader<boolean> {
  return (given) => (typeof given === 'boolean' ? given : ifNotGiven);
}

/** A value with a name: an option or an environment variable. */
interface Named<T> {
  /** The help text. */
  readonly help?: string;
  readonly read: Reader<T>;
}

/** An environment variable. */
export function variable<T>(help: string, read: Reader<T>) {
  return {
    help,
    read: (given: Given) => {
      if (typeof given === 'string' && isReplaced(given)) throw new InvalidValue('must be UTF-8');
      return read(given);
    },
  };
}

/** Whether an argument or a variable is not UTF-8: Node.js has replaced bytes of it by U+FFFD. */
export function isReplaced(text: string): boolean {
  return text.includes('\ufffd');
}

/** The values of a table of options or variables. */
export type ValuesOf<R> = { readonly [K in keyof R]: R[K] extends Named<infer T> ? T : never };

/**
 * Reads all values of a table.
 * @param labelOf returns the name that the user knows
 * @param problems gets a line for each invalid value; the result then lacks these values
 */
export function readValues<R extends Readonly<Record<string, Named<unknown>>>>(
  table: R,
  given: object,
  labelOf: (name: string) => string,
  problems: string[],
): ValuesOf<R> {
  const values: Record<string, unknown> = {};
  for (const [name, { read }] of Object.entries(table)) {
    try {
      values[name] = read((given as Record<string, Given>)[name]);
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      problems.push(`${labelOf(name)}: ${error.message}`);
    }
  }
  return values as ValuesOf<R>;
}
