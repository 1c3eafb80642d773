import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

/** Set by the bundler: identifies the contents of program.cjs, which V8 does not check. */
declare const PROGRAM_ID: string;

/** The program and its code cache, beside the file that runs it. */
export const programFile = join(import.meta.dirname, 'program.cjs');
export const cacheFile = join(import.meta.dirname, 'program.cache');

/**
 * The program, ready to run.
 * @param cache what V8 knows about it from an earlier run; V8 refuses that of another Node.js
 */
export function loadProgram(cache?: Buffer): { readonly script: Script; readonly run: () => void } {
  // The bundle is ASCII: this is the fastest way to read it. It is one function, as of CommonJS modules.
  const script = new Script(readFileSync(programFile, 'latin1'), {
    filename: programFile,
    ...(cache && { cachedData: cache }),
  });
  const run = () => {
    const module = { exports: {} };
    script.runInThisContext()(createRequire(programFile), module, module.exports, programFile, import.meta.dirname);
  };
  return { script, run };
}

/** The code cache that was written for this program; undefined if there is none. */
export function readCodeCache(): Buffer | undefined {
  try {
    const file = readFileSync(cacheFile);
    const isOurs = file.toString('latin1', 0, PROGRAM_ID.length) === PROGRAM_ID;
    return isOurs ? file.subarray(PROGRAM_ID.length) : undefined;
  } catch {
    return undefined;
  }
}

/** The contents of a code cache file. */
export function codeCacheOf(script: Script): Buffer {
  return Buffer.concat([Buffer.from(PROGRAM_ID), script.createCachedData()]);
}
