import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';

/** Set by the bundler: identifies the contents of program.cjs, which V8 does not check. */
declare const PROGRAM_ID: string;

/** The program and its code cache, beside the file that runs it. */
export const programFile = join(import.meta.dirname, 'program.cjs');
export const cacheFile = join(import.meta.dirname, 'program.cache');

/**
 * The program, ready to run.
 * @param file the bundle, which is ASCII and one function, as of CommonJS modules
 * @param cache what V8 knows about it from an earlier run; V8 refuses that of another Node.js
 */
export function loadProgram(
  file: Buffer,
  cache?: Buffer,
): { readonly script: Script; readonly run: (load: NodeJS.Require) => void } {
  // This is the fastest way to read it.
  const script = new Script(file.toString('latin1'), { filename: programFile, ...(cache && { cachedData: cache }) });
  const run = (load: NodeJS.Require) => {
    const module = { exports: {} };
    script.runInThisContext()(load, module, module.exports, programFile, import.meta.dirname);
  };
  return { script, run };
}

/** The code cache in a file's contents; undefined if it is of another program. */
export function codeCacheIn(file: Buffer): Buffer | undefined {
  return file.toString('latin1', 0, PROGRAM_ID.length) === PROGRAM_ID ? file.subarray(PROGRAM_ID.length) : undefined;
}

/** The contents of a code cache file. */
export function codeCacheOf(script: Script): Buffer {
  return Buffer.concat([Buffer.from(PROGRAM_ID), script.createCachedData()]);
}

/** A file; undefined if it cannot be read. */
export function readIfAny(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
