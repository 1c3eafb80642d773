import { nameOf, type PayloadPath } from '../files/path.ts';

/** A request for an interpreter, by the command to look for. */
export interface InterpreterRequest {
  /** `python3.11`, `python3.13t`, `python3`, `pypy3.9`, … or the user's own command, maybe a path. */
  readonly command: string;
  /** The directory to search first: `home` in a virtual environment's pyvenv.cfg. */
  readonly home?: string | undefined;
  /** The user named the command. If it is a path, pyclink starts it regardless of who may write there. */
  readonly isNamed?: boolean;
  /** The fallback for a virtual environment: the command that the user named. */
  readonly otherwise?: InterpreterRequest | undefined;
  /** A program in the buildroot is allowed, because the user named it. */
  readonly mayBeStaged?: boolean;
}

/** A key that is equal for equal requests. */
export function requestKey({ command, home, isNamed = false, otherwise }: InterpreterRequest): string {
  const own = `${command}\0${home ?? ''}\0${isNamed}`;
  return otherwise === undefined ? own : `${own}\0${requestKey(otherwise)}`;
}

/** A directory whose path says which interpreters use it. */
export type PythonDirectory =
  | { readonly kind: 'interpreter'; readonly directory: PayloadPath; readonly command: string }
  /** Debian's shared directory, used by every supported python3. */
  | { readonly kind: 'supported-pythons'; readonly directory: PayloadPath }
  | { readonly kind: 'python2'; readonly directory: PayloadPath };

const libraryDirectory =
  /^(?:.*?\/)?lib(?:64)?\/(?:(?<versioned>python\d+\.\d+t?|pypy3(?:\.\d+)?)|(?<shared>python3\/dist-packages))(?=\/|$)/s;
const namedDirectory = /^.*?\/(?<versioned>python3\.\d+t?|pypy3(?:\.\d+)?)(?=\/)/s;

/** The Python directory of a payload path: the outermost `lib/pythonX.Y`, Debian's dist-packages, or PyPy's. */
export function pythonDirectoryOf(path: PayloadPath): PythonDirectory | undefined {
  const match = libraryDirectory.exec(path);
  if (match === null) return undefined;
  const directory = match[0] as PayloadPath;
  const command = match.groups?.['versioned'];
  if (command === undefined) return { kind: 'supported-pythons', directory };
  if (/^python[0-2]\./.test(command)) return { kind: 'python2', directory };
  return { kind: 'interpreter', directory, command };
}

/** A directory that one interpreter reads, by the name of the directory. */
type OwnDirectory = Extract<PythonDirectory, { readonly kind: 'interpreter' }>;

/** The same, or that of a Python that comes with an application, as LibreOffice has `program/python-core-3.10.13`. */
export function readerByName(path: PayloadPath): Omit<OwnDirectory, 'kind'> | undefined {
  const place = pythonDirectoryOf(path);
  if (place !== undefined) return place.kind === 'interpreter' ? place : undefined;
  const match = /^.*?\/python-core-(?<version>3\.\d+)[^/]*(?=\/)/.exec(path);
  return match === null
    ? undefined
    : { directory: match[0] as PayloadPath, command: `python${match.groups?.['version']}` };
}

const interpreterCache =
  /^\/(?:usr|app)\/lib(?:64)?\/(?:python3|python\d\.\d+t?|pypy3(?:\.\d+)?)(?:\/(?:site|dist)-packages)?\/__pycache__$/;

/** Whether the package of an interpreter has this `__pycache__`, so that no other has to own it. */
export function isCacheOfInterpreter(path: PayloadPath): boolean {
  return interpreterCache.test(path);
}

/** Whether a path lies in what others than the distribution install: its libraries. */
export function isInSitePackages(path: string): boolean {
  return /\/(?:site|dist)-packages\//.test(path);
}

/** The sys.path directory that a module is found in: a Python directory, or its site-packages. */
export function searchDirectoryOf(path: PayloadPath): PayloadPath | undefined {
  const place = pythonDirectoryOf(path)?.directory;
  const site = place && /^\/(?:site|dist)-packages(?=\/)/.exec(path.slice(place.length))?.[0];
  return place && (`${place}${site ?? ''}` as PayloadPath);
}

/**
 * Outside all Python directories: the interpreter that one of the path's directories is named after, else `python3`.
 */
export function guessCommand(path: PayloadPath): string {
  return namedDirectory.exec(path)?.groups?.['versioned'] ?? 'python3';
}

/**
 * The directory of the interpreter that a virtual environment was made from: `home` in its pyvenv.cfg.
 * @see PEP 405
 */
export function homeOfEnvironment(pyvenvCfg: string): string | undefined {
  for (const line of pyvenvCfg.split(/[\r\n]/)) {
    const equals = line.indexOf('=');
    const home = line.slice(equals + 1).trim();
    if (equals >= 0 && line.slice(0, equals).trim().toLowerCase() === 'home' && home.startsWith('/')) return home;
  }
  return undefined;
}

/** What the name of a command says about its interpreter. */
export interface ExpectedInterpreter {
  readonly implementation?: 'cpython' | 'pypy';
  /** `3.11` */
  readonly version?: string;
  readonly freeThreaded?: boolean;
}

/** Parses the name of a command: `python3.13t` is free-threaded CPython 3.13; `python3` and `my-python` say less. */
export function expectedInterpreter(command: string): ExpectedInterpreter {
  const match = /^(?<kind>python|pypy)(?:3|(?<version>3\.\d+)(?<threads>t?))?$/.exec(nameOf(command));
  const { kind, version, threads } = match?.groups ?? {};
  return {
    ...(kind === 'pypy' ? { implementation: 'pypy' } : {}),
    ...(version === undefined ? {} : { version, freeThreaded: threads === 't' }),
    ...(kind === 'python' && version !== undefined ? { implementation: 'cpython' } : {}),
  };
}

/** Whether a program is named as a Python 3 that is installed. */
export function isInterpreterName(name: string): boolean {
  return /^(?:python3(?:\.\d+t?)?|pypy3(?:\.\d+)?)$/.test(name);
}

/** The command of the interpreter that a directory is for; undefined if there may be several. */
export function readerOf(path: PayloadPath): string | undefined {
  const place = pythonDirectoryOf(path);
  return place?.kind === 'interpreter' ? place.command : undefined;
}

/**
 * Whether an interpreter loads pycs with this cache tag.
 * @see PEP 3147: `cpython-311` is the cache tag of `python3.11` and `python3.11t`, `pypy39` that of `pypy3.9`
 */
export function readsTag(command: string, cacheTag: string): boolean {
  const { implementation = 'cpython', version = '' } = expectedInterpreter(command);
  const digits = version.replace('.', '');
  const tag = cacheTag.replace(/\.opt-\d+$/, '');
  return implementation === 'pypy' ? tag.startsWith(`pypy${digits}`) : tag === `cpython-${digits}`;
}
