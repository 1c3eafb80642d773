import { chmodSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/buildroot/source.ts';
import { checkCacheDirectory, makeCacheDirectory } from '../../src/cache/cache-directory.ts';
import { emptyCounts } from '../../src/cache/counts.ts';
import type { Hit, Lookup } from '../../src/cache/entry-for-job.ts';
import type { CacheSettings } from '../../src/cache/settings.ts';
import { SourceCache } from '../../src/cache/source-cache.ts';
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
  const recorded = { strip: staged.slice(0, -8), prepend: '/usr' };
  return { source, interpreter, levels: [0, 1, 2], recorded, layout: 'pycache' };
}

function newCache(more: Partial<CacheSettings> = {}) {
  const directory = join(temporaryDirectory(), 'cache');
  makeCacheDirectory(directory);
  const settings = { directory: checkCacheDirectory(directory), namespace: '', recache: false, verifyPercent: 0 };
  const open = (changed: Partial<CacheSettings> = {}, compiler = (): string | undefined => 'a compiler') =>
    new SourceCache({ ...settings, ...more, ...changed }, compiler, { invalidationMode: 'timestamp' }, emptyCounts());
  return open;
}

/** What a worker makes of a job: level 0 and 1 are one. */
function outcomeOf(job: CompileJob, more: Partial<CompileOutcome> = {}): CompileOutcome {
  const header = Buffer.alloc(16);
  const same = Buffer.concat([header, Buffer.from('same')]);
  const other = Buffer.concat([header, Buffer.from('other')]);
  const made = job.levels.map((level) => ({ ...pycOf(job, level), content: level < 2 ? same : other, mode: 0o644 }));
  const compiled = { sha256: sha256Of(text), isUtf8: true };
  return { job, made, warnings: ['a warning'], losses: 0, compiled, ...more };
}

function isHit(found: Hit | Lookup | undefined): found is Hit {
  return found !== undefined && 'pycs' in found;
}

function fill(cache: SourceCache, job: CompileJob, more: Partial<CompileOutcome> = {}): void {
  const looked = cache.lookUp(job);
  if (isHit(looked)) throw new Error('a hit');
  const outcome = outcomeOf(job, more);
  cache.store(looked, outcome, { pycs: outcome.made, digests: new Digests() });
}

describe('the cache of a thread', () => {
  it('returns stored pycs with headers and modes for the current source', () => {
    const [open, job] = [newCache(), newJob()];
    fill(open(), job);
    chmodSync(job.source.staged, 0o400);
    utimesSync(job.source.staged, 1, 1_600_000_000);
    const cache = open();
    const hit = cache.lookUp(job);
    if (!isHit(hit)) throw new Error('no hit');
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
    ['was changed between two levels', { compiled: undefined }, 'changed meanwhile'],
    ['may have another encoding', { compiled: { sha256: sha256Of(text), isUtf8: false } }, 'not UTF-8'],
    ['did not compile', { failure: { reason: 'does-not-compile', problem: '' } }, 'not compiled'],
    ['cost a worker', { losses: 1 }, 'not compiled'],
  ])('does not store a source that %s', (_, more, reason) => {
    const [open, job] = [newCache(), newJob()];
    const cache = open();
    fill(cache, job, more);
    expect(cache.counts).toMatchObject({ stored: 0, compiled: 1, uncached: { [reason]: 1 } });
    expect(isHit(open().lookUp(job))).toBe(false);
  });

  it('does not store a source that changed after the lookup', () => {
    const [open, job, other] = [newCache(), newJob(), newJob(`${text}\n`)];
    fill(open(), other, { compiled: { sha256: sha256Of(`${text}\n`), isUtf8: true } });
    const cache = open();
    fill(cache, job, { compiled: { sha256: sha256Of('changed'), isUtf8: true } });
    expect(cache.counts).toMatchObject({ stored: 0, compiled: 1, uncached: { 'changed meanwhile': 1 } });
    expect(open().lookUp(job)).toHaveProperty('key');
  });

  it('finds and stores nothing if the compiler is unknown', () => {
    const [open, job] = [newCache(), newJob()];
    fill(open(), job);
    const cache = open({}, () => undefined);
    expect(isHit(cache.lookUp(job))).toBe(false);
    fill(cache, job);
    expect(cache.counts).toMatchObject({ stored: 0, compiled: 1, uncached: { 'unknown compiler': 1 } });
  });

  it('does not store a source whose pycs cannot be normalized', () => {
    const [open, job] = [newCache(), newJob()];
    const cache = open();
    cache.store(undefined, outcomeOf(job), undefined);
    expect(cache.counts).toMatchObject({ stored: 0, compiled: 1, uncached: { 'no normal form': 1 } });
  });

  it('does not store a symlink', () => {
    const [open, job] = [newCache(), newJob()];
    const source = { ...job.source, content: '/usr/other.py' as StagedPath };
    const cache = open();
    fill(cache, { ...job, source });
    expect(cache.counts).toMatchObject({ stored: 0, compiled: 1, uncached: { 'not a regular file': 1 } });
  });

  it.each<[string, boolean, Partial<CacheSettings>]>([
    ['an empty store', false, {}],
    ['--recache', true, { recache: true }],
  ])('does not read a source with %s, but stores it', (_, isFilled, changed) => {
    const [open, job] = [newCache(), newJob()];
    if (isFilled) fill(open(), job);
    const cache = open(changed);
    rmSync(job.source.staged);
    fill(cache, job);
    expect(cache.counts).toMatchObject({ stored: 1, compiled: 1, uncached: {} });
    writeFileSync(job.source.staged, text);
    expect(isHit(open().lookUp(job))).toBe(true);
  });

  it.each<[string, Partial<CacheSettings>, (() => string)?]>([
    ['another namespace', { namespace: 'ci' }],
    ['a secret', { secret: Buffer.from('0123456789abcdef') }],
    ['another compiler', {}, () => 'another compiler'],
    ['--recache', { recache: true }],
  ])('is a miss with %s', (_, changed, compiler) => {
    const [open, job] = [newCache(), newJob()];
    fill(open(), job);
    expect(isHit(open().lookUp(job))).toBe(true);
    expect(isHit(open(changed, compiler).lookUp(job))).toBe(false);
  });

  it('is a miss for another recorded path, other levels, or another source', () => {
    const [open, job] = [newCache(), newJob()];
    fill(open(), job);
    const { recorded } = job;
    expect(isHit(open().lookUp({ ...job, recorded: { ...recorded, prepend: '/opt' } }))).toBe(false);
    expect(isHit(open().lookUp({ ...job, levels: [0, 1] }))).toBe(false);
    expect(isHit(open().lookUp(newJob(`${text}\n`)))).toBe(false);
  });
});
