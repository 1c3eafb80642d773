import { chmodSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/buildroot/source.ts';
import { checkCacheDirectory, makeCacheDirectory } from '../../src/cache/cache-directory.ts';
import { emptyCounts } from '../../src/cache/counts.ts';
import type { CacheSettings } from '../../src/cache/settings.ts';
import { type Looked, SourceCache } from '../../src/cache/source-cache.ts';
import type { CompileOutcome } from '../../src/compile/compile.ts';
import { type CompileJob, pycOf } from '../../src/compile/plan.ts';
import type { PayloadPath, StagedPath } from '../../src/files/path.ts';
import { Digests, sha256Of } from '../../src/sha256.ts';
import { temporaryDirectory } from '../helpers/buildroot.ts';
import { python311 as interpreter } from '../helpers/interpreter.ts';

const text = 'def f():\n    "doc"\n';

function newJob(content = text): CompileJob {
  const staged = join(temporaryDirectory(), 'shop.py') as StagedPath;
  writeFileSync(staged, content);
  const { size, mtimeMs } = statSync(staged);
  const source: SourceFile = {
    ...{ staged, content: staged, payload: '/usr/shop.py' as PayloadPath },
    ...{ physical: true, hasCache: false, sizeBytes: size, mtimeSeconds: Math.floor(mtimeMs / 1000) },
  };
  return { source, interpreter, levels: [0, 1, 2], recorded: { strip: staged.slice(0, -8), prepend: '/usr' } };
}

function newCache(more: Partial<CacheSettings> = {}) {
  const directory = join(temporaryDirectory(), 'cache');
  makeCacheDirectory(directory);
  const settings = { directory: checkCacheDirectory(directory), namespace: '', recache: false, verifyPercent: 0 };
  const open = (changed: Partial<CacheSettings> = {}, compiler = 'a compiler') =>
    new SourceCache({ ...settings, ...more, ...changed }, compiler, 'timestamp', emptyCounts());
  return open;
}

/** What a worker makes of a job: level 0 and 1 are one. */
function outcomeOf(job: CompileJob, more: Partial<CompileOutcome> = {}): CompileOutcome {
  const header = Buffer.alloc(16);
  const same = Buffer.concat([header, Buffer.from('same')]);
  const other = Buffer.concat([header, Buffer.from('other')]);
  const made = job.levels.map((level) => ({ ...pycOf(job, level), content: level < 2 ? same : other, mode: 0o644 }));
  const compiledSha256 = sha256Of(text);
  return { job, made, warnings: ['a warning'], losses: 0, compiledSha256, ...more };
}

function fill(cache: SourceCache, job: CompileJob, more: Partial<CompileOutcome> = {}): void {
  const looked = cache.lookUp(job);
  expect(looked).toHaveProperty('key');
  const outcome = outcomeOf(job, more);
  cache.store(looked as Looked, outcome, { pycs: outcome.made, digests: new Digests() });
}

describe('the cache of a lane', () => {
  it('gives what was stored, with headers and modes for the source as it is now', () => {
    const [open, job] = [newCache(), newJob()];
    fill(open(), job);
    chmodSync(job.source.staged, 0o400);
    utimesSync(job.source.staged, 1, 1_600_000_000);
    const cache = open();
    const hit = cache.lookUp(job);
    if (hit === undefined || !('pycs' in hit)) throw new Error('no hit');
    expect(hit.warnings).toEqual(['a warning']);
    expect(hit.pycs.map(({ level, mode, content }) => [level, mode, content.toString('latin1', 16)])).toEqual([
      [0, 0o600, 'same'],
      [1, 0o600, 'same'],
      [2, 0o600, 'other'],
    ]);
    expect(hit.pycs[0]?.content).toBe(hit.pycs[1]?.content);
    for (const { content } of hit.pycs) {
      expect(Buffer.from(hit.digests.of(content), 'latin1').toString('hex')).toBe(sha256Of(content));
    }
    expect(hit.pycs[2]?.content.readUInt32LE(8)).toBe(1_600_000_000);
    expect(cache.counts).toMatchObject({ local: 1, compiled: 0 });
  });

  it.each<[string, Partial<CompileOutcome>, string]>([
    ['was changed meanwhile', { compiledSha256: 'another' }, 'changed meanwhile'],
    ['was changed between two levels', { compiledSha256: '' }, 'changed meanwhile'],
    ['did not compile', { failure: { reason: 'does-not-compile', problem: '' } }, 'did not compile'],
    ['cost a worker', { losses: 1 }, 'did not compile'],
  ])('stores nothing of a source that %s', (_, more, reason) => {
    const [open, job] = [newCache(), newJob()];
    const cache = open();
    fill(cache, job, more);
    expect(cache.counts).toMatchObject({ stored: 0, compiled: 1, uncached: { [reason]: 1 } });
    expect(open().lookUp(job)).not.toHaveProperty('pycs');
  });

  it.each<[string, Partial<CacheSettings>, string?]>([
    ['another namespace', { namespace: 'ci' }],
    ['a secret', { secret: Buffer.from('0123456789abcdef') }],
    ['another compiler', {}, 'another compiler'],
    ['--recache', { recache: true }],
  ])('does not give it with %s', (_, changed, compiler) => {
    const [open, job] = [newCache(), newJob()];
    fill(open(), job);
    expect(open().lookUp(job)).toHaveProperty('pycs');
    expect(open(changed, compiler).lookUp(job)).not.toHaveProperty('pycs');
  });

  it('does not give it for another path in the bytecode, other levels, or another source', () => {
    const [open, job] = [newCache(), newJob()];
    fill(open(), job);
    const { recorded } = job;
    expect(open().lookUp({ ...job, recorded: { ...recorded, prepend: '/opt' } })).not.toHaveProperty('pycs');
    expect(open().lookUp({ ...job, levels: [0, 1] })).not.toHaveProperty('pycs');
    expect(open().lookUp(newJob(`${text}\n`))).not.toHaveProperty('pycs');
  });

  it.each([
    ['# -*- coding: latin-1 -*-\n', false],
    ['#!/usr/bin/python3\n# vim: set fileencoding=cp1252 :\n', false],
    ['# coding: utf-8\n', true],
    ['# -*- coding: UTF-8 -*-\n', true],
    ['\n\n# coding: latin-1\n', true],
    ['# coding: latin-1', false],
    ['', true],
  ])('is asked for a source that begins with %j: %s', (content, isAsked) => {
    const cache = newCache()();
    expect(cache.lookUp(newJob(content)) !== undefined).toBe(isAsked);
  });
});
