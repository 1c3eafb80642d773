import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { lstatIfAny } from '../buildroot/lstat.ts';
import { normalise, type StagedPath } from '../buildroot/path.ts';
import { mtimeSecondsOf } from '../buildroot/source.ts';
import { interpreterOfMagicNumber } from '../bytecode/magic-numbers.ts';
import { type PycHeader, parsePycHeader, staleReason } from '../bytecode/pyc-header.ts';
import { parsePycPath } from '../bytecode/pyc-name.ts';
import { sourceHash } from '../bytecode/source-hash.ts';
import { errnoOf, exitStatus, PyclinkError } from '../errors.ts';
import { readPyc, sha256Of } from '../links/fingerprint.ts';
import { inspectionText } from '../report/inspection.ts';
import type { CommandResult } from './result.ts';

/**
 * `pyclink inspect`: what a pyc says of itself, and whether it fits its source. Status 1 if it does not.
 * @throws PyclinkError `pyc-unusable` if the file is not a pyc
 */
export function inspectCommand(file: string): CommandResult {
  const path = normalise(resolve(file)) as StagedPath;
  const pyc = readOrRefuse(path);
  const header = parsePycHeader(pyc.content);
  if ('unreadable' in header) throw new PyclinkError('pyc-unusable', header.unreadable, { path });
  const name = parsePycPath(path);
  const match = name === undefined ? { state: 'unknown' as const } : matchSource(header, name.source);
  const inspection = {
    path,
    interpreter: interpreterOfMagicNumber(header.magicNumber),
    header,
    level: name?.level,
    cacheTag: name?.cacheTag,
    sizeBytes: pyc.sizeBytes,
    sha256: sha256Of(pyc.content),
    source: name && { path: name.source, ...match },
  };
  return {
    status: match.state === 'differs' ? exitStatus.problems : exitStatus.done,
    text: inspectionText(inspection),
    data: inspection,
  };
}

function readOrRefuse(path: StagedPath) {
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
  const stat = statSync(source, { throwIfNoEntry: false });
  if (!stat?.isFile()) return { state: 'missing' as const };
  const reason = staleReason(header, {
    sizeBytes: stat.size,
    mtimeSeconds: mtimeSecondsOf(stat),
    hash: (magicNumber) => sourceHash(magicNumber, readFileSync(source)),
  });
  return reason === undefined ? { state: 'fits' as const } : { state: 'differs' as const, reason };
}
