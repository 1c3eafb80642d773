import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { discover } from '../../src/buildroot/discover.ts';
import { openTree } from '../../src/buildroot/open.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import { readBuildOptions } from '../../src/pipeline/options.ts';
import { prune } from '../../src/pipeline/prune.ts';
import { encodePycHeader } from '../../src/pyc/header.ts';
import { type Level, pycPath } from '../../src/pyc/name.ts';
import { everythingIn, plantBuildroot } from '../helpers/buildroot.ts';

const mtime = 1_600_000_000;
const source = '/app/a.py' as PayloadPath;
const pyc = (sizeBytes = 2, magicNumber = 3495) =>
  encodePycHeader({
    magicNumber,
    invalidationMode: 'timestamp',
    sourceMtimeSeconds: mtime,
    sourceSizeBytes: sizeBytes,
  });
const at = (name: string) => `/app/__pycache__/${name}.pyc`;

/** A tree whose one source was built at level 0, with another file in its `__pycache__`. */
function planted(name: string, content: Buffer, flags: object) {
  const buildroot = openTree(
    plantBuildroot({ [source]: { content: '1\n', mtime }, [at('a.cpython-311')]: pyc(), [at(name)]: content }),
  );
  const options = readBuildOptions(['/app'], { optimize: ['0'], ...flags }, {}, 1);
  const settings = { ...options, buildroot, strip: buildroot.path, isWholeSystem: false, passedOver: [] };
  const { sources } = discover(buildroot, { paths: ['/app'], isExcluded: () => false });
  const planned = [{ source, paths: options.levels.map((level: Level) => pycPath(source, 'cpython-311', level)) }];
  return {
    buildroot: buildroot.path,
    run: () => prune({ options: settings, sources, planned, symlinks: new Map(), toRemove: new Set() }),
  };
}

describe('prune', () => {
  it.each([
    ['a.cpython-311.opt-1', pyc(), 'the build does not write level 1'],
    ['a.cpython-310', pyc(3, 3439), 'it records 3 bytes, the source has 2'],
    ['b.cpython-311', pyc(), 'there is no /app/b.py'],
    ['a.cpython-311-pytest-9.0.3', pyc(), 'written by pytest 9.0.3 while testing'],
    ['a.cpython-310', pyc(2, 3439), undefined],
    ['a.cpython-399', pyc(3, 3999), undefined],
    ['b.cpython-311', pyc().subarray(0, 15), undefined],
    ['b', pyc(), undefined],
  ])('of %s.pyc says its reason', async (name, content, detail) => {
    const expected = { pruned: detail === undefined ? [] : [{ path: at(name), detail }], skipped: [] };
    for (const flags of [{ dryRun: true }, {}]) {
      const { buildroot, run } = planted(name, content, flags);
      expect(await run()).toEqual(expected);
      const isThere = everythingIn(buildroot).includes(at(name).slice(1));
      expect(isThere).toBe(detail === undefined || 'dryRun' in flags);
      expect(everythingIn(buildroot)).toContain(at('a.cpython-311').slice(1));
    }
  });

  it('keeps the pycs of a source that is left out', async () => {
    const { buildroot, run } = planted('a.cpython-311.opt-1', pyc(), { exclude: ['a.py'] });
    expect(await run()).toEqual({ pruned: [], skipped: [] });
    rmSync(join(buildroot, source));
    expect(await run()).toEqual({ pruned: [], skipped: [] });
  });
});
