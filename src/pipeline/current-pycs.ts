import { readFileSync } from 'node:fs';
import type { CompileOptions } from '../compile/compile.ts';
import { type CompileJob, invalidationModeOf, pycModeFor, pycsOf, recordedPathOf } from '../compile/plan.ts';
import { Arena } from '../files/arena.ts';
import { currentCredentials, hasNewMode } from '../files/credentials.ts';
import { ifPossible } from '../files/if-possible.ts';
import { stat } from '../files/stat.ts';
import { type ReadPyc, readNames } from '../links/fingerprint.ts';
import { codeFactsOf } from '../marshal/code-facts.ts';
import { encodePycHeader, parsePycHeader, staleReason } from '../pyc/header.ts';
import { type CodeLayout, codeLayoutOf } from '../pyc/releases.ts';
import { sourceHash } from '../pyc/source-hash.ts';

/** The pycs that a build makes of a source. */
export interface Wanted extends CompileOptions {
  /** Link identical pycs. */
  readonly link: boolean;
  /** Whether line tables say columns, where the interpreter writes any. */
  readonly debugRanges: boolean;
}

const memory = new Arena();

/**
 * Reads the pycs of a job if all exist and are current, as far as that can be told without compiling: the header, the
 * recorded path, the mode, normal form, columns, and code that is valid up to its last byte. Nobody else than root, this
 * user and the owner of the source owns them. Identical ones may be separate files: they can still be linked.
 * @returns the pycs; undefined if they are not current, or if pyclink cannot read a file
 *   or the interpreter's code
 */
export function currentPycs(job: CompileJob, options: Wanted): ReadPyc[] | undefined {
  const { link } = options;
  const layout = codeLayoutOf(job.interpreter.magicNumber);
  if (layout === undefined) return undefined;
  memory.clear();
  return ifPossible(() => {
    const source = stat(job.source.content);
    const mode = pycModeFor(source.mode);
    const owners = [0, source.userId, currentCredentials()?.userId];
    const isWanted = (content: Buffer) =>
      fitsSource(content, job, options) && hasCode(content, layout, recordedPathOf(job), options);
    const names = pycsOf(job).map(({ path }) => path);
    const pycs = readNames(names, isWanted, memory.take);
    if (pycs?.every((pyc) => hasNewMode(pyc, mode) && owners.includes(pyc.userId)) !== true) return undefined;
    const areSeparate = new Set(pycs.map(({ identity }) => identity)).size === pycs.length;
    return link || areSeparate ? pycs : undefined;
  });
}

function fitsSource(pyc: Buffer, job: CompileJob, options: Wanted): boolean {
  const { source, interpreter } = job;
  const header = parsePycHeader(pyc);
  if ('unreadable' in header || header.magicNumber !== interpreter.magicNumber) return false;
  // restamp gives the pycs of empty sources a hash.
  const wanted = [options, { ...options, emptyByHash: true }].map((one) => invalidationModeOf(job, one));
  if (!wanted.includes(header.invalidationMode)) return false;
  const expected = encodePycHeader(header);
  if (!expected.equals(pyc.subarray(0, expected.length))) return false;
  const { sizeBytes, mtimeSeconds } = source;
  const hash = (magicNumber: number) => sourceHash(magicNumber, readFileSync(source.content));
  return staleReason(header, { sizeBytes, mtimeSeconds, hash }) === undefined;
}

function hasCode(pyc: Buffer, layout: CodeLayout, path: string, { normalize, debugRanges }: Wanted): boolean {
  const { damage, recordedPath, isNormal = false, hasColumns = debugRanges } = codeFactsOf(pyc, layout);
  return damage === undefined && recordedPath === path && isNormal === normalize && hasColumns === debugRanges;
}
