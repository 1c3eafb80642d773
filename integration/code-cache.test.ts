/** Starts a staged pyclink with V8's code cache, without one, and with one that is of no use. */
import { chmodSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { execa } from 'execa';
import { beforeEach, describe, expect, it } from 'vitest';
import { contentsOf, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { stage } from './stage.ts';

const library = 'usr/lib/pyclink';
const site = `/usr/lib/python${systemPython.minor}/site-packages`;
const modules = { [`${site}/a.py`]: { content: 'x = 1\n', mtime: 1_600_000_000 } };

describe('the code cache', () => {
  let root: string;
  let cache: string;

  beforeEach(() => {
    root = temporaryDirectory();
    stage(root);
    cache = join(root, library, 'program.cache');
  });

  const plain = { env: { PATH: '/usr/bin:/bin' }, extendEnv: false, reject: false } as const;

  const writeCache = async (env: Readonly<Record<string, string>> = {}) => {
    const file = join(root, library, 'write-code-cache.cjs');
    const options = { ...plain, env: { ...plain.env, ...env }, all: true };
    const { exitCode, all } = await execa(process.execPath, [file], options);
    return { exitCode, all };
  };

  const build = async () => {
    const buildroot = plantBuildroot(modules);
    const args = ['build', '--buildroot', buildroot, '-q'];
    const ran = await execa(join(root, 'usr/bin/pyclink'), args, { ...plain, all: true });
    return { exitCode: ran.exitCode, all: ran.all, contents: contentsOf(buildroot) };
  };

  it('is written for this Node.js, which takes it', async () => {
    expect(existsSync(cache)).toBe(false);
    const without = await build();
    expect(without).toMatchObject({ exitCode: 0, all: '' });
    expect(await writeCache()).toEqual({ exitCode: 0, all: '' });
    expect(statSync(cache).mode & 0o777).toBe(0o644);
    const filename = join(root, library, 'program.cjs');
    // Before the cache there are the 64 digits of the program's id.
    const script = new Script(readFileSync(filename, 'latin1'), {
      filename,
      cachedData: readFileSync(cache).subarray(64),
    });
    expect(script.cachedDataRejected).toBe(false);
    expect(await build()).toEqual(without);
  });

  it('is written without a cache of bytecode, whoever installs the program', async () => {
    const store = join(root, 'store');
    expect(await writeCache({ PYCLINK_CACHE_DIR: store, PYCLINK_CACHE_MAX_SIZE: 'huge' })).toMatchObject({
      exitCode: 0,
    });
    expect(existsSync(store)).toBe(false);
    expect(statSync(cache).size).toBeGreaterThan(100_000);
  });

  it.each<[string, () => void]>([
    ['of another program', () => writeFileSync(cache, Buffer.concat([Buffer.from('0'.repeat(64)), cacheText()]))],
    ['of another Node.js', () => writeFileSync(cache, replaced(readFileSync(cache), 64 + 4))],
    ['that is cut off', () => truncateSync(cache, 10_000)],
    ['that is empty', () => truncateSync(cache, 0)],
    ['that may not be read', () => chmodSync(cache, 0)],
  ])('is ignored if it is one %s', async (_, spoil) => {
    const without = await build();
    await writeCache();
    spoil();
    expect(await build()).toEqual(without);
  });

  it('is not missed where it cannot be written', async () => {
    chmodSync(join(root, library), 0o555);
    const file = join(root, library, 'write-code-cache.cjs');
    const asNobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    chmodSync(root, 0o755);
    const ran = await execa(process.execPath, [file], { ...plain, ...asNobody, all: true });
    expect({ exitCode: ran.exitCode, all: ran.all }).toEqual({ exitCode: 0, all: '' });
    expect(existsSync(cache)).toBe(false);
    expect(await build()).toMatchObject({ exitCode: 0, all: '' });
  });

  const cacheText = () => readFileSync(cache).subarray(64);
});

/** Bytes of which four are others. */
function replaced(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt32LE((bytes.readUInt32LE(at) ^ 0xffff) >>> 0, at);
  return bytes;
}
