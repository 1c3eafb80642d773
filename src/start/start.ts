import { loadProgram, readCodeCache } from './code-cache.ts';

loadProgram(readCodeCache()).run();
