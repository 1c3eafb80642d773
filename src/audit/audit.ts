import { pythonDirectoryOf, readerOf, readsTag } from '../buildroot/python-directory.ts';
import { byCodeUnit, type PayloadPath, parentOf } from '../files/path.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { PycFacts } from '../marshal/pyc-facts.ts';
import type { BytecodeFacts } from '../payload/bytecode.ts';
import type { PayloadEntry, Unread } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { exposure, misfitOf, sourceOf } from '../payload/source.ts';
import type { PycHeader } from '../pyc/header.ts';
import { type Level, type PycName, parsePycPath, pycPath } from '../pyc/name.ts';
import { releaseOf } from '../pyc/releases.ts';
import type { AuditKind } from './kinds.ts';

/** One thing that is wrong with one pyc. */
export interface AuditFinding {
  readonly kind: AuditKind;
  readonly path: PayloadPath;
  /** The package, image or directory that it is in. */
  readonly container: string;
  /** What was seen, and what was expected. */
  readonly detail: string;
  /** Only of `unlinked`: the bytes that a link would save. */
  readonly savedBytes?: number;
}

/** A pyc with its name taken apart. */
export interface Pyc {
  readonly entry: PayloadEntry;
  readonly name: PycName<PayloadPath>;
  /** What its bytes say; undefined if there are none under its name. */
  readonly facts: PycFacts | Unread | undefined;
}

/** What an audit is about: a payload, and the pycs in it. */
export interface Audited {
  readonly payload: Payload;
  readonly facts: BytecodeFacts;
  readonly pycs: readonly Pyc[];
}

/** Says what is wrong with the pycs of a payload, by path, then by kind. No manifest is needed. */
export function audit({ payload, pycs, facts }: Audited): AuditFinding[] {
  const findings = [
    ...pycs.flatMap((pyc) => auditPyc(pyc, payload, facts)),
    ...unlinkedIn(pycs),
    ...missingLevels(pycs, payload),
  ];
  return inOrder(findings);
}

/** Findings by path, then by kind. */
export function inOrder(findings: readonly AuditFinding[]): AuditFinding[] {
  return findings.toSorted(
    (a, b) => byCodeUnit(a.path, b.path) || byCodeUnit(a.kind, b.kind) || byCodeUnit(a.container, b.container),
  );
}

/** Looks for the pycs that a payload stores. */
export function auditedOf(payload: Payload, facts: BytecodeFacts): Audited {
  const pycs: Pyc[] = [];
  for (const entry of payload.all) {
    const name = entry.isGhost || entry.type !== 'file' ? undefined : parsePycPath(entry.path);
    if (name !== undefined) pycs.push({ entry, name, facts: facts.pycs.get(entry.file) });
  }
  return { payload, facts, pycs };
}

function auditPyc({ entry, name, facts: pyc }: Pyc, payload: Payload, facts: BytecodeFacts): AuditFinding[] {
  const { path, container, mode } = entry;
  const findings: AuditFinding[] = [];
  const add = (kind: AuditKind, detail: string) => findings.push({ kind, path, container, detail });
  const place = pythonDirectoryOf(path);
  if (place !== undefined && (mode & 0o022) !== 0) add('writable', `mode ${mode.toString(8).padStart(4, '0')}`);
  if (pyc === undefined || 'unread' in pyc) {
    if (pyc?.isRefused !== true) add('damaged', pyc?.unread ?? 'there is no content under its name');
    return findings;
  }
  const { header, damage, recordedPath, isNormal } = pyc;
  if ('unreadable' in header) {
    // A pyc of Python 2 is a fault only in a directory of Python 3. pyclink reads no more of it than its header.
    if (header.isOfPython2 !== true) add('damaged', `it ${header.unreadable}`);
    else if (place !== undefined && place.kind !== 'python2') add('foreign', `it ${header.unreadable}`);
    return findings;
  }
  if (damage !== undefined) add('damaged', `its code cannot be read: ${damage}`);
  const reader = readerProblem(path, name, header);
  if (reader !== undefined) add('foreign', reader);
  const source = sourceOf(payload, entry, name.source);
  const exposed = source && exposure(entry, source);
  if (exposed !== undefined) add('exposed', exposed);
  const misplaced = misplacedReason(entry, name, source);
  if (misplaced !== undefined) add('orphan', misplaced);
  else if (source !== undefined) {
    const stale = staleFinding(header, source, facts);
    if (stale !== undefined) add(...stale);
  }
  if (recordedPath !== undefined && isElsewhere(recordedPath, name.source)) {
    add('leaks-path', `it records ${recordedPath}`);
  }
  if (isNormal === false) add('unreproducible', 'another order or other flags than the normal form');
  return findings;
}

/** Why no interpreter reads a pyc where it lies. In a zip, zipimport does read a pyc beside its source. */
function misplacedReason(
  { path }: PayloadEntry,
  { source, cacheTag }: Pyc['name'],
  entry: PayloadEntry | undefined,
): string | undefined {
  if (path.endsWith('.pyo')) return 'Python 3.5 and later read no .pyo';
  if (cacheTag === undefined) {
    const isRead = entry === undefined || entry.mtimeIs === 'rounded';
    return isRead ? undefined : 'beside its source it is not read';
  }
  return entry === undefined ? `there is no ${source}` : undefined;
}

/** A source that was given an older mtime than its pyc records was not edited: something clamped the mtimes. */
function staleFinding(header: PycHeader, source: PayloadEntry, facts: BytecodeFacts): [AuditKind, string] | undefined {
  const misfit = misfitOf(header, source, facts.sources.get(source.file));
  if (misfit === undefined) return undefined;
  const isOlder = header.invalidationMode === 'timestamp' && source.mtimeSeconds < header.sourceMtimeSeconds;
  const isNeverLoaded = misfit.isOfMtime && (isOlder || source.mtimeIs === 'of-installation');
  return [isNeverLoaded ? 'never-loaded' : 'stale', misfit.reason];
}

/** Who reads a pyc, if that is not who wrote it. */
function readerProblem(path: PayloadPath, { cacheTag }: Pyc['name'], header: PycHeader): string | undefined {
  const { name: writer } = releaseOf(header.magicNumber);
  const written = /^CPython 3\.(\d+)$/.exec(writer ?? '')?.[1];
  const tagged = /^cpython-3(\d+)$/.exec(cacheTag ?? '')?.[1];
  if (written !== undefined && tagged !== undefined && written !== tagged) {
    return `${writer} wrote it, and Python 3.${tagged} would read it`;
  }
  const reader = readerOf(path);
  if (reader === undefined || cacheTag === undefined || readsTag(reader, cacheTag)) return undefined;
  return `${reader} does not read the pycs of ${cacheTag}`;
}

/**
 * Whether a pyc records another path than that of its source. If the target is a part of a system, such as one package's
 * directory, its paths lack the beginning: then the end must be the same.
 */
function isElsewhere(recorded: string, source: PayloadPath): boolean {
  if (recorded === source || `/usr${recorded}` === source) return false;
  return pythonDirectoryOf(source) !== undefined || !recorded.endsWith(source);
}

/** Equal levels of a module that are separate files. */
function unlinkedIn(pycs: readonly Pyc[]): AuditFinding[] {
  const groups = new Map<string, PayloadEntry[]>();
  const findings: AuditFinding[] = [];
  for (const { entry, name, facts } of pycs) {
    const { container, mode, owner, path, sizeBytes } = entry;
    if (name.cacheTag === undefined || facts === undefined || 'unread' in facts) continue;
    const { sha256 } = facts;
    const key = [container, name.source, name.cacheTag, sha256, mode, owner].join('\0');
    const equal = getOrAdd(groups, key, () => []);
    const [first] = equal;
    const isLinked = equal.some(({ file }) => file === entry.file);
    equal.push(entry);
    if (first === undefined || isLinked) continue;
    findings.push({
      kind: 'unlinked',
      path,
      container,
      detail: `has the bytes of ${first.path}`,
      savedBytes: sizeBytes,
    });
  }
  return findings;
}

/**
 * The pycs that are missing where at least half of the modules of the package have one of that level. Modules without any
 * pyc are not counted: some cannot be compiled, and only a compiler knows which.
 */
function missingLevels(pycs: readonly Pyc[], payload: Payload): AuditFinding[] {
  /** By package and cache tag: the levels of each module. */
  const groups = new Map<string, { readonly cacheTag: string; readonly modules: Modules }>();
  for (const { name, entry } of pycs) {
    const { source, cacheTag, level } = name;
    if (cacheTag === undefined || !payload.has(source)) continue;
    const key = `${packageOf(source)}\0${cacheTag}`;
    const { modules } = getOrAdd(groups, key, () => ({ cacheTag, modules: new Map() }));
    getOrAdd(modules, source, () => ({ container: entry.container, levels: new Set() })).levels.add(level);
  }
  return Array.from(groups.values()).flatMap(({ cacheTag, modules }) => lacking(modules, cacheTag));
}

/** The levels that modules have. */
type Modules = Map<PayloadPath, { readonly container: string; readonly levels: Set<Level> }>;

function lacking(modules: Modules, cacheTag: string): AuditFinding[] {
  return ([0, 1, 2] as const).flatMap((level) => {
    const without = Array.from(modules).filter(([, { levels }]) => !levels.has(level));
    const having = modules.size - without.length;
    if (having < without.length || having === 0) return [];
    const detail = `${having} of ${modules.size} modules of the package have level ${level}`;
    return without.map(
      ([source, { container }]): AuditFinding => ({
        kind: 'missing-level',
        path: pycPath(source, cacheTag, level),
        container,
        detail,
      }),
    );
  });
}

/** The directory of the outermost package that a source belongs to: the one below its Python directory. */
export function packageOf(source: PayloadPath): string {
  const directory = parentOf(source);
  const place = pythonDirectoryOf(source)?.directory;
  if (place === undefined) return directory;
  const [, site = '', name = ''] =
    /^((?:\/(?:site|dist)-packages)?)(?:\/([^/]+))?/.exec(directory.slice(place.length)) ?? [];
  return name === '' ? place + site : `${place}${site}/${name}`;
}
