import { readFileSync } from 'node:fs';
import { errnoOf, exitStatus, PyclinkError } from '../errors.ts';
import { absolutePath } from '../files/absolute-path.ts';
import { ifRefused } from '../files/if-possible.ts';
import type { StagedPath } from '../files/path.ts';
import { lstatIfAny, statIfAny, wholeSeconds } from '../files/stat.ts';
import { codeDifference } from '../inspect/code-difference.ts';
import { firstDifference, headerDifference } from '../inspect/first-difference.ts';
import { outlineOf } from '../inspect/outline.ts';
import { readPycTree } from '../inspect/tree.ts';
import type { Difference } from '../inspect/value-difference.ts';
import { readPyc } from '../links/fingerprint.ts';
import { codeSha256Of } from '../marshal/pyc-facts.ts';
import { type PycHeader, parsePycHeader, staleReason } from '../pyc/header.ts';
import { parsePycPath } from '../pyc/name.ts';
import { releaseOf } from '../pyc/releases.ts';
import { sourceHash } from '../pyc/source-hash.ts';
import { inspectionText } from '../report/inspection.ts';
import { comparisonText, outlineText, type PycComparison } from '../report/outline.ts';
import { sha256Of } from '../sha256.ts';
import type { CommandResult } from './result.ts';

/**
 * `pyclink inspect FILE`: shows the header of a pyc, whether it matches its source, and its objects. Status 1 if it
 * does not match.
 * @throws PyclinkError `pyc-unusable` if the file is not a pyc
 */
export function inspectCommand(file: string): CommandResult {
  const { path, pyc, header } = readOrRefuse(file);
  const name = parsePycPath(path);
  const match = name === undefined ? { state: 'unknown' as const } : matchSource(header, name.source);
  const inspection = {
    path,
    interpreter: releaseOf(header.magicNumber).name,
    header,
    level: name?.cacheTag === undefined ? name?.level || undefined : name.level,
    cacheTag: name?.cacheTag,
    sizeBytes: pyc.sizeBytes,
    sha256: sha256Of(pyc.content),
    source: name && { path: name.source, ...match },
  };
  const tree = readPycTree(pyc.content, header.magicNumber);
  const objects = 'unreadable' in tree ? tree : outlineOf(tree);
  const outline = 'unreadable' in objects ? `objects       ${objects.unreadable}\n` : outlineText(objects);
  return {
    status: match.state === 'differs' || match.state === 'unreadable' ? exitStatus.problems : exitStatus.done,
    text: inspectionText(inspection) + outline,
    data: { ...inspection, objects },
  };
}

/**
 * `pyclink inspect FILE OTHER`: shows where two pycs first differ, after normalization if they still differ then.
 * Status 1 if they differ.
 * @throws PyclinkError `pyc-unusable` if one of the files is not a pyc
 */
export function comparePycsCommand(file: string, other: string): CommandResult<PycComparison> {
  const [a, b] = [readOrRefuse(file), readOrRefuse(other)];
  const isSame = a.pyc.content.equals(b.pyc.content);
  const ofCode = isSame ? undefined : codeDifference(a.pyc.content, b.pyc.content);
  const ofHeader = headerDifference(a.header, b.header);
  const comparison = {
    first: a.path,
    second: b.path,
    difference: isSame ? undefined : (ofCode ?? ofHeader ?? bytesDifference(a, b)),
    headerDifference: ofHeader,
    isSameInNormalForm: isSameInNormalForm(a, b),
  };
  return {
    status: isSame ? exitStatus.done : exitStatus.problems,
    text: comparisonText(comparison),
    data: comparison,
  };
}

type Readable = ReturnType<typeof readOrRefuse>;

/** The first difference in bytes, in words if the pycs can be read. */
function bytesDifference(a: Readable, b: Readable): Difference {
  const trees = [a, b].map(({ pyc, header }) => readPycTree(pyc.content, header.magicNumber));
  const [one, other] = trees;
  const words = one && other && !('unreadable' in one) && !('unreadable' in other) && firstDifference(one, other);
  if (words) return words;
  const [first, second] = [a.pyc.content, b.pyc.content];
  const at = first.findIndex((byte, i) => second[i] !== byte);
  const byte = (content: Buffer, place: number) =>
    place < content.length ? `0x${content[place]?.toString(16)}` : 'its end';
  const place = at < 0 ? first.length : at;
  return { place: 'bytes', what: `byte ${place}`, first: byte(first, place), second: byte(second, place) };
}

/** Whether both have the same normalized code; undefined if one cannot be normalized. */
function isSameInNormalForm(a: Readable, b: Readable): boolean | undefined {
  if (a.header.magicNumber !== b.header.magicNumber) return undefined;
  const [one, other] = [codeSha256Of(a.pyc.content), codeSha256Of(b.pyc.content)];
  return one === undefined || other === undefined ? undefined : one === other;
}

function readOrRefuse(file: string) {
  const path = absolutePath(file) as StagedPath;
  const pyc = readPycOrRefuse(path);
  const header = parsePycHeader(pyc.content);
  if ('unreadable' in header) throw new PyclinkError('pyc-unusable', header.unreadable, { path });
  return { path, pyc, header };
}

function readPycOrRefuse(path: StagedPath) {
  let reason = 'not a regular file';
  try {
    const pyc = readPyc(path);
    if (pyc !== undefined) return pyc;
    if (lstatIfAny(path) === undefined) reason = 'no such file';
  } catch (error) {
    reason = `cannot be read (${errnoOf(error)})`;
  }
  throw new PyclinkError('pyc-unusable', reason, { path });
}

function matchSource(header: PycHeader, source: StagedPath) {
  const match = () => {
    const stat = statIfAny(source);
    if (stat?.kind !== 'file') return { state: 'missing' as const };
    const reason = staleReason(header, {
      sizeBytes: stat.sizeBytes,
      mtimeSeconds: wholeSeconds(stat.modifiedNs),
      hash: (magicNumber) => sourceHash(magicNumber, readFileSync(source)),
    });
    return reason === undefined ? { state: 'fits' as const } : { state: 'differs' as const, reason };
  };
  return ifRefused(match, (error) => ({ state: 'unreadable' as const, reason: `cannot be read (${errnoOf(error)})` }));
}
