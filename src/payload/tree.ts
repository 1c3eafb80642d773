import { readlinkSync } from 'node:fs';
import { type Buildroot, isInside, toPayload, toStaged } from '../buildroot/path.ts';
import { resolveInBuildroot, resolveParent } from '../buildroot/resolve.ts';
import { isRunningSystem, walkLimits } from '../buildroot/running-system.ts';
import { walk } from '../buildroot/walk.ts';
import { errnoOf } from '../errors.ts';
import { Arena } from '../files/arena.ts';
import { ifPossible, ifRefused } from '../files/if-possible.ts';
import { type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { readContent, withRegular } from '../files/read-regular.ts';
import { type FileStat, lstatIfAny, wholeSeconds } from '../files/stat.ts';
import { pathText } from '../printable.ts';
import { type ReadLimits, tooLarge } from './budget.ts';
import type { Contents, PayloadEntry, Search, TakeContent, UnreadableEntry } from './entry.ts';

/**
 * Searches a directory that holds a payload: a buildroot, or the root of an installed system. In the running system,
 * searches only the paths of the search and what is below them, if there are any: everything else belongs to other
 * packages.
 * @param part the directory in it to search
 */
export function searchTree(
  tree: Buildroot,
  search: Search,
  limits: ReadLimits,
  part: StagedPath = tree.path,
): Contents {
  const isWalked = search.paths === undefined || !isRunningSystem(tree);
  const unreadable: UnreadableEntry[] = [];
  const entries = new Map<StagedPath, PayloadEntry>();
  const looked = new Set<StagedPath>();
  const taken = new Set<string>();
  const arena = new Arena();
  const walkIn = (directory: StagedPath): void => {
    const onSymlink = (path: StagedPath) => ifAllowed(path, () => list(path));
    const walked = walk(directory, search.names, walkLimits(tree), onSymlink);
    for (const one of walked.unreadable) unreadable.push({ path: one.directory, isDirectory: true, error: one.error });
    for (const { path } of walked.found) look(path);
    for (const { shown, bytes } of walked.notUtf8) look(shown as StagedPath, bytes);
  };
  /** Lists a name. */
  const list = (staged: StagedPath, bytes?: Buffer): PayloadEntry | undefined => {
    const stat = lstatIfAny(bytes ?? staged);
    const entry = stat && entryOf(tree, staged, stat, bytes);
    if (entry !== undefined) entries.set(staged, entry);
    return entry;
  };
  /**
   * Lists a name and visits its bytes.
   * @param bytes the path of a name that is not UTF-8
   * @param symlink the symlink that led to it
   */
  const look = (staged: StagedPath, bytes?: Buffer, symlink?: StagedPath): void => {
    if (looked.has(staged)) return;
    looked.add(staged);
    ifAllowed(staged, () => {
      const entry = list(staged, bytes);
      if (entry === undefined) return;
      if (staged !== tree.path) look(parentOf(staged));
      if (entry.type === 'symlink' && bytes === undefined) follow(staged);
      if (entry.type !== 'file' || taken.has(entry.file)) return;
      const named = symlink === undefined ? undefined : { ...entry, path: toPayload(tree, symlink) };
      const take = search.visit(entry) ?? (named && search.visit(named));
      if (take === undefined) return;
      taken.add(entry.file);
      readInto(bytes ?? staged, take, limits, arena);
    });
  };
  const ifAllowed = (path: StagedPath, work: () => void): void => {
    ifRefused(work, (error) => {
      unreadable.push({ path, isDirectory: false, error });
    });
  };
  const follow = (staged: StagedPath): void => {
    const place = resolveInBuildroot(tree, staged);
    if (place.kind === 'inside') look(place.path, undefined, staged);
  };
  if (isWalked) walkIn(part);
  for (const path of search.paths ?? []) {
    if (!isInside(tree, path)) continue;
    const staged = toStaged(tree, path);
    ifAllowed(staged, () => {
      const place = resolveParent(tree, staged);
      if (place.kind !== 'inside') return;
      look(place.path);
      if (!isWalked && entries.get(place.path)?.type === 'directory') walkIn(place.path);
    });
  }
  const resolve = (path: PayloadPath) => {
    const place = isInside(tree, path) ? ifPossible(() => resolveInBuildroot(tree, toStaged(tree, path))) : undefined;
    return place?.kind === 'inside' ? toPayload(tree, place.path) : undefined;
  };
  return { entries: [...entries.values()], removedBy: new Map(), unreadable, resolve };
}

function entryOf(
  tree: Buildroot,
  staged: StagedPath,
  stat: FileStat,
  bytes: Buffer | undefined,
): PayloadEntry | undefined {
  const { kind } = stat;
  if (kind === 'other') return undefined;
  return {
    path: toPayload(tree, staged),
    type: kind,
    ...(kind === 'symlink' ? { target: pathText(readlinkSync(bytes ?? staged, 'buffer')) } : {}),
    file: `${tree.path}\0${stat.identity}`,
    container: tree.path,
    sizeBytes: stat.sizeBytes,
    mode: stat.mode,
    owner: `${stat.userId}:${stat.groupId}`,
    mtimeSeconds: wholeSeconds(stat.modifiedNs),
  };
}

/** Reads a file into memory that is reused for the next one. @throws the system's error, if it refuses the file */
function readInto(path: string | Buffer, take: TakeContent, limits: ReadLimits, arena: Arena): void {
  try {
    const isRead = withRegular(path, (descriptor, stat) => {
      arena.clear();
      take(tooLarge(stat.sizeBytes, limits) ?? readContent(descriptor, stat.sizeBytes, arena.take));
      return true;
    });
    if (isRead === undefined) take({ unread: 'disappeared while it was read' });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined) take({ unread: `cannot be read (${errno})`, isRefused: true });
    throw error;
  }
}
