import { pythonDirectoryOf, readerOf, readsTag } from '../buildroot/python-directory.ts';
import { nameOf, type PayloadPath } from '../files/path.ts';
import { groupBy } from '../get-or-add.ts';
import type { PayloadEntry } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import type { PycHeader } from '../pyc/header.ts';
import type { PycName } from '../pyc/name.ts';
import { codeLayoutOf, isKnownRelease, releaseOf } from '../pyc/releases.ts';
import type { AuditedPyc } from './audited.ts';
import type { AuditKind } from './kinds.ts';

/** Which interpreters load the pycs of a payload, as far as the payload tells. */
export class Readers {
  readonly #payload: Payload;
  /** The interpreters whose standard library is in the payload. */
  readonly #installed = new Set<string>();
  /** The extension modules, by path without suffix. */
  readonly #extensions: ReadonlyMap<string, readonly string[]>;

  constructor(payload: Payload) {
    this.#payload = payload;
    for (const path of payload.entries.keys()) {
      const library = path.endsWith('/os.py') ? pythonDirectoryOf(path) : undefined;
      if (library?.kind === 'interpreter' && path === `${library.directory}/os.py`)
        this.#installed.add(library.command);
    }
    const extensions = [...payload.entries.keys()].filter((path) => path.endsWith('.so'));
    this.#extensions = groupBy(extensions, (path) => path.slice(0, path.indexOf('.', path.lastIndexOf('/'))));
  }

  /** Why a pyc does not belong to the interpreter that would load it; undefined if it does. */
  foreignReason(path: PayloadPath, { cacheTag }: AuditedPyc['name'], header: PycHeader): string | undefined {
    const reader = readerOf(path);
    // A pyc next to its source is for the interpreter that uses the directory.
    const expected = cacheTag ?? (path.endsWith('.pyc') ? tagOf(reader) : undefined);
    if (expected !== undefined) {
      const writer = strangeWriter(header.magicNumber, expected);
      if (writer !== undefined) return `${writer} wrote it, but ${readerOfTag(expected)} would read it`;
    }
    if (cacheTag === undefined) return undefined;
    if (reader !== undefined) {
      return readsTag(reader, cacheTag) ? undefined : `${reader} does not read the pycs of ${cacheTag}`;
    }
    const here = [...this.#installed];
    if (here.length === 0 || here.some((command) => readsTag(command, cacheTag))) return undefined;
    return `no Python here reads the pycs of ${cacheTag}, only ${here.sort().join(', ')}`;
  }

  /** Why no import loads a pyc from where it is, or why its code cannot be checked. */
  misplaced(
    { path, mtimeIs }: PayloadEntry,
    name: PycName<PayloadPath>,
    source: PayloadEntry | undefined,
  ): [AuditKind, string] | undefined {
    if (path.endsWith('.pyo')) return ['orphan', 'Python 3.5 and later do not read .pyo files'];
    const shadow = this.#shadowOf(name);
    if (name.cacheTag !== undefined) {
      if (source === undefined) return ['orphan', `there is no ${name.source}`];
      if (mtimeIs === 'rounded' && this.#payload.entries.has(zipappMain)) {
        return ['orphan', 'zipimport does not read __pycache__, only a pyc next to its source'];
      }
      return shadow === undefined ? undefined : ['shadowed', `import loads ${shadow} instead`];
    }
    if (shadow !== undefined) return ['orphan', `import loads ${shadow} instead`];
    // In a zip, zipimport does read a pyc next to its source.
    if (source !== undefined)
      return mtimeIs === 'rounded' ? undefined : ['orphan', 'Python does not read a pyc next to its source'];
    if (nameOf(path).slice(0, -'.pyc'.length).includes('.'))
      return ['orphan', 'no import can name it: its name contains a dot'];
    return ['sourceless', 'there is no source to compare it with'];
  }

  /**
   * What import loads instead of a module: a package of the same name, or an extension module.
   * @see FileFinder.find_spec in Lib/importlib/_bootstrap_external.py, and the EXTENSION_SUFFIXES of
   *   importlib.machinery
   */
  #shadowOf({ source, cacheTag }: PycName<PayloadPath>): string | undefined {
    const module = source.slice(0, -'.py'.length);
    const reader = cacheTag ?? tagOf(readerOf(source)) ?? '';
    for (const init of ['__init__.py', '__init__.pyc']) {
      const path = `${module}/${init}` as PayloadPath;
      if (this.#payload.entries.has(path)) return path;
    }
    return this.#extensions.get(module)?.find((path) => isSuffixFor(reader, path.slice(module.length)));
  }
}

/** A zip with this file is executed, not unpacked. @see zipapp */
const zipappMain = '/__main__.py' as PayloadPath;

function isSuffixFor(cacheTag: string, suffix: string): boolean {
  if (suffix === `.${cacheTag}.so` || suffix.startsWith(`.${cacheTag}-`)) return true;
  return cacheTag.startsWith('cpython-') && (suffix === '.so' || suffix === '.abi3.so');
}

/** `cpython-311` of `python3.11`. */
function tagOf(command: string | undefined): string | undefined {
  const minor = /^python3\.(?<minor>\d+)t?$/.exec(command ?? '')?.groups?.['minor'];
  return minor === undefined ? undefined : `cpython-3${minor}`;
}

/** Which interpreter wrote a magic number, if not the one with this cache tag; undefined if unknown. */
function strangeWriter(magicNumber: number, cacheTag: string): string | undefined {
  const { name: writer } = releaseOf(magicNumber);
  const byNumber = writer ?? `an unknown Python (magic number ${magicNumber})`;
  if (cacheTag.startsWith('pypy')) return writer?.startsWith('PyPy') ? undefined : byNumber;
  const minor = /^cpython-3(?<minor>\d+)$/.exec(cacheTag)?.groups?.['minor'];
  if (minor === undefined) return undefined;
  const reader = `CPython 3.${minor}`;
  if (writer === reader) {
    return codeLayoutOf(magicNumber) === undefined ? `a pre-release of ${reader} (${magicNumber})` : undefined;
  }
  return writer === undefined && !isKnownRelease(reader) ? undefined : byNumber;
}

function readerOfTag(cacheTag: string): string {
  return cacheTag.replace(/^cpython-3/, 'Python 3.').replace(/^pypy3(?=\d)/, 'PyPy 3.');
}
