import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cacheFile, codeCacheIn, loadProgram, programFile, readIfAny } from './code-cache.ts';

const cache = readIfAny(cacheFile);
loadProgram(readFileSync(programFile), cache && codeCacheIn(cache)).run(createRequire(programFile));
