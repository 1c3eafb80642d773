/** Starts the program in one executable. @see https://nodejs.org/api/single-executable-applications.html */
import { getRawAsset } from 'node:sea';
import { codeCacheIn, loadProgram } from './code-cache.ts';

const asset = (name: string) => Buffer.from(getRawAsset(name) as ArrayBuffer);

loadProgram(asset('program.cjs'), codeCacheIn(asset('program.cache'))).run(require);
