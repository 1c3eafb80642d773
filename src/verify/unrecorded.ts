import { pythonDirectoryOf, readerOf, readsTag } from '../buildroot/python-directory.ts';
import { type PayloadPath, parentOf } from '../files/path.ts';
import type { PycRecord } from '../manifest/schema.ts';
import type { PycFacts } from '../marshal/pyc-facts.ts';
import type { BytecodeFacts, SourceFacts } from '../payload/bytecode.ts';
import type { PayloadEntry, Unread } from '../payload/entry.ts';
import type { Payload } from '../payload/payload.ts';
import { mismatchOf, sourceOf } from '../payload/source.ts';
import type { PycHeader } from '../pyc/header.ts';
import { moduleInCache, parsePycPath } from '../pyc/name.ts';
import type { Finding } from './finding.ts';
import type { ManifestScope } from './scope.ts';

/**
 * Finds pycs that are in a payload but not in its manifest: `unrecorded` if an interpreter loads them, so that code
 * runs that the build did not compile; `stale` if it compiles their source instead; `orphan` without a source; `foreign`
 * if no interpreter that uses the directory made them.
 * @param cacheTags of the interpreters in the manifest
 * @param belongs says whether a module belongs to the manifest
 * @param isAllowed says whether the package has a pyc on purpose
 * @returns the findings, and the number of pycs of other packages, which the manifest does not cover
 */
export function findUnrecorded(
  records: readonly PycRecord[],
  cacheTags: readonly string[],
  payload: Payload,
  { pycs, sources: sourceFacts }: BytecodeFacts,
  belongs: ManifestScope,
  isAllowed: (path: PayloadPath) => boolean,
) {
  const recorded = new Set(records.flatMap(({ paths }) => paths.flatMap((path) => payload.at(path))));
  const recordedFiles = new Set(Array.from(recorded, ({ file }) => file));
  const sources = new Set(records.map(({ source }) => source));
  let others = 0;
  const findings = payload.all.flatMap((entry): Finding[] => {
    const { path, container } = entry;
    // A dangling hard link has no bytes.
    const isStored =
      entry.type === 'symlink' || (entry.type === 'file' && pycs.has(entry.file) && entry.isGhost !== true);
    if (!isStored || recorded.has(entry) || isAllowed(path)) return [];
    const facts = pycs.get(entry.file);
    if (pythonDirectoryOf(path)?.kind === 'python2' && isOfPython2(facts)) return [];
    if (path.endsWith('.pyo')) return [];
    const name = parsePycPath(path) ?? (recordedFiles.has(entry.file) ? undefined : moduleInCache(path));
    if (name === undefined) return [];
    const isAlone = name.cacheTag === undefined;
    const source = sourceOf(payload, entry, name.source);
    // Python does not load a pyc next to its source, but zipimport does.
    if (isAlone && source !== undefined && entry.mtimeIs === undefined) return [];
    if (!belongs(name.source, isAlone)) {
      others += 1;
      return [];
    }
    const of = (kind: Finding['kind'], detail: string): Finding[] => [{ kind, path, container, detail }];
    const alone = source ? 'Python loads it from the zip, and not its source' : 'it has no source, but Python loads it';
    if (isAlone) return of('unrecorded', alone);
    if (!payload.has(name.source)) return of('orphan', `there is no ${name.source}`);
    const reader = readerOf(path);
    if (reader !== undefined && !readsTag(reader, name.cacheTag)) {
      return of('foreign', `${reader} does not read the pycs of ${name.cacheTag}`);
    }
    const header = facts && 'header' in facts && !('unreadable' in facts.header) ? facts.header : undefined;
    const stale = header && source && reasonNotToLoad(header, source, sourceFacts.get(source.file));
    if (stale !== undefined) return of('stale', stale);
    if (sources.has(name.source) && !cacheTags.includes(name.cacheTag)) {
      return of('unrecorded', `for ${name.cacheTag}; the manifest has pycs of its source for ${cacheTags.join(', ')}`);
    }
    return of('unrecorded', 'not in the manifest: this build did not make it');
  });
  const zips = zipsOnPath(records, cacheTags).filter((path) => !isAllowed(path));
  // A directory of that name may lack an entry.
  const inZips = new Map<PayloadPath | undefined, PayloadEntry>();
  for (const entry of payload.all) {
    const place = /^.*?\/python3\d+\.zip(?=\/)/s.exec(entry.path)?.[0] as PayloadPath | undefined;
    if (place !== undefined && entry.type !== 'directory') inZips.set(payload.realPath(place), entry);
  }
  const zipped = zips.flatMap((zip) => {
    const [inside, own] = [inZips.get(payload.realPath(zip)), payload.at(zip)];
    const found = own.length > 0 || inside === undefined ? own : [{ ...inside, path: zip }];
    const detail = 'Python searches it for every module, before all directories';
    return found.map(({ path, container }): Finding => ({ kind: 'unrecorded', path, container, detail }));
  });
  return { findings: [...findings, ...zipped], others };
}

/**
 * The zips that interpreters have on sys.path before their standard library, such as `/usr/lib/python311.zip`. They
 * need not exist.
 * @see ZIP_LANDMARK in Modules/getpath.py
 */
export function zipsOnPath(records: readonly PycRecord[], cacheTags: readonly string[]): PayloadPath[] {
  const own = records.flatMap(({ source }) => pythonDirectoryOf(source)?.directory ?? []).map(parentOf);
  const libraries = new Set<string>(['/usr/lib', '/usr/lib64', '/usr/local/lib', ...own]);
  const versions = cacheTags.flatMap((tag) => /^cpython-(\d+)$/.exec(tag)?.[1] ?? []);
  return versions.flatMap((version) => Array.from(libraries, (path) => `${path}/python${version}.zip` as PayloadPath));
}

/** Whether a pyc cannot be read or was made by Python 2, whose magic numbers are larger than all of Python 3. */
function isOfPython2(facts: PycFacts | Unread | undefined): boolean {
  if (facts === undefined || 'unread' in facts || 'unreadable' in facts.header) return true;
  return facts.header.magicNumber >= 20_000;
}

/** Why Python compiles the source instead of loading its pyc, if that is certain: unpacking a zip may change the mtime. */
function reasonNotToLoad(header: PycHeader, source: PayloadEntry, facts?: SourceFacts | Unread): string | undefined {
  const { invalidationMode, magicNumber } = header;
  const isHashKnown = facts !== undefined && 'hashes' in facts && facts.hashes.has(magicNumber);
  const isCertain = invalidationMode === 'timestamp' ? source.mtimeIs === undefined : isHashKnown;
  return isCertain && invalidationMode !== 'unchecked-hash' ? mismatchOf(header, source, facts)?.reason : undefined;
}
