import { readFileSync } from 'node:fs';
import { type CompileJob, pycsOf } from '../compile/plan.ts';
import { Arena } from '../files/arena.ts';
import { ifPossible } from '../files/if-possible.ts';
import { type ReadPyc, readNames } from '../links/fingerprint.ts';
import { codeFactsOf } from '../marshal/code-facts.ts';
import { type InvalidationMode, parsePycHeader, staleReason } from '../pyc/header.ts';
import { codeLayoutOf } from '../pyc/releases.ts';
import { sourceHash } from '../pyc/source-hash.ts';

/** The pycs of a job that are there and current. */
export interface CurrentPycs {
  /** Valid until others are read. */
  readonly pycs: readonly ReadPyc[];
  /** Whether all are in normal form. */
  readonly areNormal: boolean;
}

const memory = new Arena();

/**
 * Reads the pycs of a job, if every one exists, was written by this release in this mode, fits the source and is one that
 * the interpreter loads.
 * @returns undefined otherwise, and if pyclink cannot read the interpreter's code, or one of the files
 */
export function currentPycs(job: CompileJob, invalidationMode: InvalidationMode): CurrentPycs | undefined {
  const layout = codeLayoutOf(job.interpreter.magicNumber);
  if (layout === undefined) return undefined;
  memory.clear();
  const names = pycsOf(job).map(({ staged }) => staged);
  const isCurrent = (content: Buffer) => fitsSource(content, job, invalidationMode);
  const pycs = ifPossible(() => readNames(names, isCurrent, memory.take));
  if (pycs === undefined) return undefined;
  let areNormal = true;
  for (const content of new Set(pycs.map((pyc) => pyc.content))) {
    const facts = codeFactsOf(content, layout);
    if ('damage' in facts) return undefined;
    areNormal &&= facts.isNormal === true;
  }
  return { pycs, areNormal };
}

function fitsSource(pyc: Buffer, { source, interpreter }: CompileJob, invalidationMode: InvalidationMode): boolean {
  const header = parsePycHeader(pyc);
  if ('unreadable' in header || header.magicNumber !== interpreter.magicNumber) return false;
  if (header.invalidationMode !== invalidationMode) return false;
  const { sizeBytes, mtimeSeconds } = source;
  const hash = (magicNumber: number) => sourceHash(magicNumber, readFileSync(source.content));
  return staleReason(header, { sizeBytes, mtimeSeconds, hash }) === undefined;
}
