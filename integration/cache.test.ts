/** Builds with a cache: the result is the same, whatever the cache holds and whatever happens to it. */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { decodeEntry, type Entry, encodeEntry } from '../src/cache/entry.ts';
import { Digests } from '../src/sha256.ts';
import { contentsOf, everythingIn, plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
import { allPythons, type RealPython, systemPython } from '../test/helpers/pythons.ts';
import { built, type CachePlace, entriesOf, newPlace, smallTemplate } from './helpers/cached-build.ts';
import { stage } from './helpers/compileall.ts';
import { library } from './helpers/healthy.ts';

/** Debian's own: their libraries have no tests. */
const whole = allPythons.filter(
  ({ name, minor }) => !name.includes('pyenv') && ['3.11', '3.13', '3.15'].includes(minor),
);
const old = allPythons.filter(({ minor }) => minor === '3.6');
const compared: readonly (readonly [string, RealPython, readonly string[] | undefined, number])[] = [
  ...whole.map((python) => [`the library of ${python.name}`, python, undefined, 500] as const),
  ...old.map((python) => [`a part of the library of ${python.name}`, python, ['asyncio', 'email'], 40] as const),
];
/** Two patch releases, if possible of 3.11: 3.11.2 and 3.11.7 compile one line of the test differently. */
const patchReleases = allPythons
  .toSorted((a, b) => Number(b.minor === '3.11') - Number(a.minor === '3.11'))
  .flatMap((one, i, all) => {
    const other = all.slice(i + 1).find(({ minor, version }) => minor === one.minor && version !== one.version);
    return other === undefined ? [] : [[one, other] as const];
  })[0];

describe('a build with a cache', () => {
  it.each(compared)(
    'gives the same result as without one: cold, warm and verified, for %s',
    async (_name, python, only, atLeast) => {
      const template = join(temporaryDirectory(), 'template');
      stage(python, join(template, `/usr/lib/python${python.minor}`), only);
      const place = newPlace();
      const flags = ['--python', python.executable, `/usr/lib/python${python.minor}`];
      const without = await built(template, place, flags);
      const [cold, warm, verified] = [
        await built(template, place, [...flags, '--cache-dir', place.cache]),
        await built(template, place, [...flags, '--cache-dir', place.cache]),
        await built(template, place, [...flags, '--cache-dir', place.cache, '--cache-verify=100']),
      ];
      for (const { result } of [cold, warm, verified]) expect(result).toEqual(without.result);
      const { compiled, stored, uncached } = cold.cache as Record<string, number>;
      const apart = Object.values(uncached as unknown as Record<string, number>).reduce((a, b) => a + b, 0);
      expect(cold.cache).toMatchObject({ local: 0, corrupt: 0, notStored: 0, stored: (compiled as number) - apart });
      expect(warm.cache).toMatchObject({ local: stored, compiled: apart, stored: 0, uncached });
      expect(verified.cache).toMatchObject({ local: 0, verified: stored, stored: 0 });
      expect(stored).toBeGreaterThan(atLeast);
    },
    240_000,
  );

  it('gives the same result as without one for sources of all kinds, and reports uncacheable ones', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const without = await built(template, place, []);
    expect(without.result.status).toBe(1);
    expect(without.result.warnings).toHaveLength(2);
    const flags = ['--cache-dir', place.cache];
    const [cold, warm] = [await built(template, place, flags), await built(template, place, flags)];
    expect([cold.result, warm.result]).toEqual([without.result, without.result]);
    expect(cold.cache['uncached']).toEqual({ 'not UTF-8': 1, 'not compiled': 1, 'not a regular file': 1 });
    expect(warm.cache).toMatchObject({ compiled: 3, local: cold.cache['stored'] });
  });

  it.each([
    [
      'the mode and mtime',
      [],
      (file: string) => {
        chmodSync(file, 0o755);
        utimesSync(file, 1, 1_500_000_000);
      },
    ],
    ['the invalidation mode', ['--invalidation-mode', 'unchecked-hash'], () => undefined],
    ['links and jobs', ['--no-link', '-j', '1'], () => undefined],
  ] as const)('hits entries that were compiled with other %s', async (_name, flags, change) => {
    const [template, place] = [smallTemplate(), newPlace()];
    const { cache } = await built(template, place, ['--cache-dir', place.cache]);
    change(join(template, library, 'json/decoder.py'));
    const without = await built(template, place, flags);
    const warm = await built(template, place, [...flags, '--cache-dir', place.cache]);
    expect(warm.result).toEqual(without.result);
    expect(warm.cache).toMatchObject({ local: cache['stored'], stored: 0 });
  });

  it.each([
    ['another place in the tree', ['--prepend', '/opt'], {}],
    ['other levels', ['-o', '0'], {}],
    ['another namespace', [], { PYCLINK_CACHE_NAMESPACE: 'other' }],
    ['another libm', [], { LD_LIBRARY_PATH: 'CHANGED LIBM' }],
    ['other functions of libm', [], { GLIBC_TUNABLES: 'glibc.cpu.hwcaps=-AVX2_Usable' }],
  ])('misses entries that were compiled with %s', async (_name, flags, env) => {
    const [template, place] = [smallTemplate(), newPlace()];
    const libraries = temporaryDirectory();
    copyFileSync('/lib/x86_64-linux-gnu/libm.so.6', join(libraries, 'libm.so.6'));
    writeFileSync(join(libraries, 'libm.so.6'), 'more', { flag: 'a' });
    const given = Object.entries(env).map(([name, value]) => [name, value.replace('CHANGED LIBM', libraries)]);
    const { cache } = await built(template, place, ['--cache-dir', place.cache]);
    const call = [...flags, '--cache-dir', place.cache];
    const other = await built(template, place, call, { env: Object.fromEntries(given) });
    expect(other.cache).toMatchObject({ local: 0, stored: cache['stored'] });
  });

  it.each([
    ['-X no_debug_ranges', 'exec PYTHON -X no_debug_ranges "$@"'],
    ['-X dev', 'exec PYTHON -X dev "$@"'],
    ['-W error', 'exec PYTHON -W error "$@"'],
    ['-O', 'exec PYTHON -O "$@"'],
    ['PYTHONNODEBUGRANGES', 'PYTHONNODEBUGRANGES=1 exec PYTHON "$@"'],
  ])('misses entries of the plain interpreter for a wrapper with %s', async (_name, command) => {
    const [template, place] = [smallTemplate(), newPlace()];
    const flags = [library, '--cache-dir', place.cache, '--python'];
    const wrapper = join(place.cache, '../python');
    writeFileSync(wrapper, `#!/bin/sh\n${command.replace('PYTHON ', `${systemPython.executable} `)}\n`, {
      mode: 0o755,
    });
    const plain = await built(template, place, [...flags, systemPython.executable]);
    const wrapped = await built(template, place, [...flags, wrapper]);
    expect(wrapped.cache).toMatchObject({ local: 0, corrupt: 0 });
    expect((await built(template, place, [...flags, wrapper])).result).toEqual(wrapped.result);
    const again = await built(template, place, [...flags, systemPython.executable]);
    expect(again.cache).toMatchObject({ local: plain.cache['stored'] });
  });

  it('misses entries that were compiled with another pyc of a module of the compiler', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const flags = ['--cache-dir', place.cache, '--python'];
    const [wrapper, pycs] = ['python', 'pycs'].map((name) => join(place.cache, '..', name)) as [string, string];
    const command = `exec ${systemPython.executable} -X pycache_prefix=${pycs} "$@"`;
    writeFileSync(wrapper, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
    const { cache } = await built(template, place, [...flags, wrapper]);
    const name = `py_compile.${systemPython.cacheTag}.pyc`;
    const pyc = join(pycs, systemPython.library, name);
    mkdirSync(join(pycs, systemPython.library), { recursive: true });
    copyFileSync(join(systemPython.library, '__pycache__', name), pyc);
    const with1 = await built(template, place, [...flags, wrapper]);
    expect(with1.cache).toMatchObject({ local: 0, stored: cache['stored'] });
    expect((await built(template, place, [...flags, wrapper])).cache).toMatchObject({ local: cache['stored'] });
    const changed = readFileSync(pyc, 'latin1').replace('Compile', 'compile');
    writeFileSync(pyc, changed, 'latin1');
    const with2 = await built(template, place, [...flags, wrapper]);
    expect(with2.cache).toMatchObject({ local: 0, stored: cache['stored'] });
  });

  it.skipIf(patchReleases === undefined)('misses entries of another release with the same magic number', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    plant(template, { [`${library}/differs.py`]: 'def f(x, y):\n    a, a = x, y\n    return a\n' });
    const flags = [library, '--cache-dir', place.cache];
    const [one, other] = patchReleases as readonly [RealPython, RealPython];
    const mine = await built(template, place, [...flags, '--python', one.executable]);
    const theirs = await built(template, place, [...flags, '--python', other.executable]);
    expect(theirs.cache).toMatchObject({ local: 0, stored: mine.cache['stored'] });
    const pyc = `${library}/__pycache__/differs.${one.cacheTag}.pyc`.slice(1);
    const isOther = theirs.result.contents[pyc] !== mine.result.contents[pyc];
    if (one.minor === '3.11') expect(isOther).toBe(true);
    const again = await built(template, place, [...flags, '--python', other.executable]);
    expect(again.cache).toMatchObject({ local: mine.cache['stored'] });
    expect(again.result.contents[pyc]).toBe(theirs.result.contents[pyc]);
  });

  it('does not cache pycs that are not normalized', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const flags = ['--no-normalize', '-j', '1'];
    const without = await built(template, place, flags);
    const { result, cache } = await built(template, place, [...flags, '--cache-dir', place.cache]);
    expect(result).toEqual(without.result);
    expect(cache).toMatchObject({ stored: 0, uncached: { 'no normal form': cache['compiled'] } });
    expect(entriesOf(place)).toEqual([]);
  });

  it('opens no sockets, and changes nothing in a dry run', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    rmSync(join(template, library, 'bad.py'));
    await execa('cp', ['-a', template, place.buildroot]);
    const call = [bundle, 'build', '--buildroot', place.buildroot, '--cache-dir', place.cache];
    await execa(process.execPath, [...call, '--dry-run']);
    expect(readdirSync(join(place.cache, '..'))).not.toContain('cache');
    const log = join(place.buildroot, '../strace');
    await execa('strace', ['-f', '-qq', '-e', 'trace=network', '-o', log, process.execPath, ...call]);
    const calls = readFileSync(log, 'utf8').split('\n');
    expect(calls.filter((line) => line.includes('socketpair(')).length).toBeGreaterThan(0);
    expect(calls.filter((line) => /\b(?:socket|connect|bind|sendto)\(/.test(line))).toEqual([]);
    expect(entriesOf(place).length).toBeGreaterThan(5);
  });
});

/** The files of the entries. */
describe('a faulty cache', () => {
  const damages: readonly (readonly [string, (entries: readonly string[]) => void])[] = [
    ['cut', ofEach((file, index) => truncateSync(file, index % 40))],
    ['garbled', ofEach(garble)],
    ['swapped', swap],
    ['empty', ofEach((file) => truncateSync(file, 0))],
  ];

  it.each(damages)('has entries that are %s: they are removed, and the sources compiled', async (_name, damage) => {
    const [template, place] = [smallTemplate(), newPlace()];
    const flags = ['--cache-dir', place.cache];
    const cold = await built(template, place, flags);
    const entries = entriesOf(place);
    damage(entries);
    expect(await pyclink(['cache', 'check', '--cache-dir', place.cache])).toMatchObject({ status: 1 });
    const warm = await built(template, place, flags);
    expect(warm.result).toEqual(cold.result);
    expect(warm.cache).toMatchObject({ local: 0, corrupt: entries.length, stored: entries.length });
    expect(warm.stderr).toContain(`cache ${place.cache}: ${entries.length} corrupt, removed\n`);
    expect(await pyclink(['cache', 'check', '--cache-dir', place.cache])).toEqual({
      status: 0,
      stdout: `pyclink: ${entries.length} entries valid, 0 corrupt\n`,
      stderr: '',
    });
  });

  it('has an entry with other bytecode: --cache-verify stops with status 3 and names the source', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    await built(template, place, ['--cache-dir', place.cache]);
    const file = entriesOf(place)[0] as string;
    const key = file.slice(-64);
    const { pycs, digests, warnings } = decodeEntry(key, readFileSync(file)) as Entry;
    const planted = pycs.map(({ level, content }) => ({ level, content: Buffer.concat([content, Buffer.from('N')]) }));
    writeFileSync(file, Buffer.concat(encodeEntry(key, { pycs: planted, digests, warnings })));
    const call = ['build', '--buildroot', place.buildroot, '--cache-dir', place.cache, '-q'];
    const { status, stderr } = await pyclink([...call, '--cache-verify']);
    expect(status).toBe(3);
    expect(stderr).toMatch(
      /^pyclink: error: \/usr\/lib\/python3\.\d+\/.*\.py: the cached bytecode differs from what the compiler produces\n {4}hint: remove /,
    );
    expect((await pyclink([...call, '--recache'])).stderr).not.toContain('cache');
    expect((await pyclink([...call, '--cache-verify'])).stderr).not.toContain('cache');
  });

  it.each([
    [
      'other users may write to',
      (place: CachePlace) => {
        mkdirSync(place.cache);
        chmodSync(place.cache, 0o777);
      },
      'other users may write to it',
    ],
    ['is a file', (place: CachePlace) => writeFileSync(place.cache, ''), 'it is not a directory'],
  ])('is one that %s: the build continues without it, and reports it once', async (_name, spoil, reason) => {
    const [template, place] = [smallTemplate(), newPlace()];
    const without = await built(template, place, []);
    spoil(place);
    const { result, stderr } = await built(template, place, ['--cache-dir', place.cache]);
    expect(result).toEqual(without.result);
    expect(stderr.split('\n').filter((line) => line.includes('cache'))).toEqual([
      `pyclink: warning: no cache is used: ${place.cache}: ${reason}`,
    ]);
  });

  it('is inside the buildroot: it is not created, because it would be packaged', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const without = await built(template, place, []);
    const { result, stderr } = await built(template, place, ['--cache-dir', join(place.buildroot, 'cache')]);
    expect(result).toEqual(without.result);
    expect(stderr).toContain('it is inside the buildroot');
  });

  it.runIf(process.getuid?.() === 0)(
    'is full: what fits is stored, and the rest compiled, with one warning',
    async () => {
      const [template, place] = [smallTemplate(), newPlace()];
      const without = await built(template, place, []);
      mkdirSync(place.cache);
      await execa('mount', ['-t', 'tmpfs', '-o', 'size=120k,mode=755', 'none', place.cache]);
      try {
        const flags = ['--cache-dir', place.cache];
        for (const { result, cache, stderr } of [
          await built(template, place, flags),
          await built(template, place, flags),
        ]) {
          expect(result).toEqual(without.result);
          expect(cache['notStored']).toBeGreaterThan(0);
          expect(stderr.match(/not stored \(ENOSPC\)/g)).toHaveLength(1);
        }
        expect(await pyclink(['cache', 'check', '--cache-dir', place.cache])).toMatchObject({ status: 0 });
        expect(everythingIn(place.cache).filter((path) => path.includes('.pyclink-'))).toEqual([]);
      } finally {
        await execa('umount', [place.cache]);
      }
    },
  );

  it.runIf(process.getuid?.() === 0)('may only be read: it is read', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    await built(template, place, ['--cache-dir', place.cache]);
    chmodSync(join(place.buildroot, '..'), 0o1777);
    rmSync(place.manifest);
    await execa('cp', ['-a', template, `${place.buildroot}2`]);
    await execa('chown', ['-R', '1234:1234', `${place.buildroot}2`]);
    const call = ['build', '--buildroot', `${place.buildroot}2`, '--cache-dir', place.cache, '--json'];
    const { stdout } = await pyclink(call, { uid: 1234 });
    const { cache } = JSON.parse(stdout) as { cache: Record<string, number> };
    expect(cache['local']).toBe(entriesOf(place).length);
    expect(cache).toMatchObject({ notStored: 0 });
  });
});

describe('a secret', () => {
  it('signs entries; builds with another secret or none neither use nor remove them', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const secretFile = (name: string) => {
      const file = join(place.buildroot, '..', name);
      writeFileSync(file, `the secret of ${name}\n`, { mode: 0o600 });
      return { env: { PYCLINK_CACHE_SECRET_FILE: file, PYCLINK_CACHE_DIR: place.cache } };
    };
    const [farm, others] = [secretFile('the farm'), secretFile('somebody else')];
    const { cache } = await built(template, place, [], farm);
    const stored = cache['stored'] as number;
    expect((await built(template, place, [], others)).cache).toMatchObject({ local: 0, corrupt: 0, stored });
    expect((await built(template, place, ['--cache-dir', place.cache])).cache).toMatchObject({ local: 0, stored });
    expect((await built(template, place, [], farm)).cache).toMatchObject({ local: stored, corrupt: 0 });
    expect((await pyclink(['cache', 'check', '--cache-dir', place.cache])).stdout).toBe(
      `pyclink: ${stored} entries valid, 0 corrupt\n` +
        `pyclink: ${2 * stored} entries signed, not checked: $PYCLINK_CACHE_SECRET_FILE names no secret\n`,
    );
    // Somebody who may write to the store, but does not know the secret.
    for (const file of entriesOf(place)) {
      const entry = decodeEntry(file.slice(-64), readFileSync(file));
      if (entry === undefined)
        writeFileSync(
          file,
          Buffer.concat(encodeEntry(file.slice(-64), { pycs: [], digests: new Digests(), warnings: [] })),
        );
    }
    expect((await built(template, place, [], farm)).cache).toMatchObject({ local: 0, corrupt: stored, stored });
  });

  it('that cannot be read: no cache is used', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const env = { PYCLINK_CACHE_SECRET_FILE: '/nonexistent', PYCLINK_CACHE_DIR: place.cache };
    const { stderr, cache } = await built(template, place, [], { env });
    expect(stderr).toContain('no cache is used: /nonexistent: the secret is not a regular file\n');
    expect(cache).toMatchObject({ stored: 0 });
  });
});

describe('two builds at once', () => {
  it('share a cache under any umask', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const without = await built(template, place, []);
    const roots = ['a', 'b'].map((name) => `${place.buildroot}-${name}`);
    const call = (root: string) => ['build', '--buildroot', root, '--cache-dir', place.cache, '-q'];
    for (const root of roots) await execa('cp', ['-a', template, root]);
    await Promise.all(
      roots.map((root) =>
        execa('sh', ['-c', 'umask 077; exec "$@"', 'sh', process.execPath, bundle, ...call(root)], { reject: false }),
      ),
    );
    for (const root of roots) {
      const files = Object.entries(contentsOf(root)).filter(([path]) => path.endsWith('.pyc'));
      expect(files.map(([path, content]) => [path, content.replace(/ \d+ /, ' ')])).toEqual(
        Object.entries(without.result.contents)
          .filter(([path]) => path.endsWith('.pyc'))
          .map(([path, content]) => [path, content.replace(/ \d+ /, ' ')]),
      );
    }
    expect(await pyclink(['cache', 'check', '--cache-dir', place.cache])).toMatchObject({ status: 0 });
    const warm = await built(template, place, ['--cache-dir', place.cache]);
    expect(warm.cache).toMatchObject({ local: entriesOf(place).length, stored: 0 });
  });
});

describe('pyclink cache', () => {
  it('shows statistics, trims and clears', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    await built(template, place, ['--cache-dir', place.cache]);
    await built(template, place, ['--cache-dir', place.cache]);
    const count = entriesOf(place).length;
    const env = { PYCLINK_CACHE_DIR: place.cache, PYCLINK_CACHE_MAX_SIZE: '20K' };
    const said = async (...words: string[]) => (await pyclink(['cache', ...words], { env })).stdout;
    const stats = JSON.parse(await said('stats', '--json')) as Record<string, number>;
    expect(stats).toMatchObject({ directory: place.cache, entries: count, maxBytes: 20_480, hits: count });
    expect(stats['bytes']).toBeGreaterThan(20_480);
    expect(await said('stats')).toMatch(
      new RegExp(
        `^pyclink: cache ${place.cache}\npyclink: ${count} entries, [\\d.]+ KiB of 20.0 KiB\npyclink: ${count} hits of `,
      ),
    );
    expect(await said('trim')).toMatch(/^pyclink: \d+ entries removed, 1?\d\.\d KiB left\n$/);
    const left = entriesOf(place).length;
    expect(left).toBeLessThan(count);
    expect(await said('clear')).toBe(`pyclink: ${left} ${left === 1 ? 'entry' : 'entries'} removed\n`);
    expect(entriesOf(place)).toEqual([]);
  });

  it('a build trims a cache that has grown', async () => {
    const [template, place] = [smallTemplate(), newPlace()];
    const env = { PYCLINK_CACHE_DIR: place.cache, PYCLINK_CACHE_MAX_SIZE: '20000' };
    await built(template, place, [], { env });
    expect(entriesOf(place).reduce((sum, file) => sum + readFileSync(file).length, 0)).toBeLessThanOrEqual(20_000);
  });

  it.each([
    [['stats'], 'no cache directory given'],
    [['stats', '--cache-dir', '/dev/null'], '/dev/null: it is not a directory'],
    [['empty', '--cache-dir', '/tmp'], "command-argument value 'empty' is invalid"],
    [['stats', '--cache-dir', '/tmp'], '/tmp: '],
  ])('%j is refused', async (words, message) => {
    const { status, stderr } = await pyclink(['cache', ...words]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});

function ofEach(change: (file: string, index: number) => void): (files: readonly string[]) => void {
  return (files) => {
    for (const [index, file] of files.entries()) change(file, index);
  };
}

function garble(file: string): void {
  const bytes = readFileSync(file);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] as number) ^ 0xff;
  writeFileSync(file, bytes);
}

/** Gives each entry the name of the next. */
function swap(entries: readonly string[]): void {
  for (const file of entries) renameSync(file, `${file}-away`);
  for (const [i, file] of entries.entries()) renameSync(`${file}-away`, entries[(i + 1) % entries.length] as string);
  expect(new Set(entries).size).toBe(entries.length);
}
