import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import type { PycRecord } from '../../src/manifest/schema.ts';
import { findStrays } from '../../src/verify/strays.ts';
import { describedPayload, entryAt } from '../helpers/payload.ts';

const site = '/usr/lib/python3.11/site-packages';
const app = '/usr/share/app';

const record = (directory: string): PycRecord => ({
  source: `${directory}/a.py` as PayloadPath,
  paths: [`${directory}/__pycache__/a.cpython-311.pyc` as PayloadPath],
  sizeBytes: 100,
  sha256: 'right',
  mode: '0644',
  invalidationMode: 'timestamp',
});
const records = [record(site), record(app)];

const recorded = records.flatMap(({ source, paths }) => [source, ...paths]);

/** What is found of these files beside those of the manifest. */
function found(...paths: string[]) {
  const { payload } = describedPayload([...recorded, ...paths].map((path) => entryAt(path)));
  return findStrays(records, ['cpython-311'], payload);
}

describe('findStrays', () => {
  it.each([
    ['what the manifest names', []],
    ['another level that the spec compiled', [`${site}/__pycache__/a.cpython-311.opt-2.pyc`]],
    ['another source that the spec compiled', [`${app}/b.py`, `${app}/__pycache__/b.cpython-311.pyc`]],
    ['a private tree for another interpreter', ['/opt/b.py', '/opt/__pycache__/b.cpython-39.pyc']],
    ['a layout without sources', ['/opt/b.pyc']],
    [
      'directories of other interpreters, with what these read',
      ['python3.9', 'python3.9t', 'pypy3.9', 'pypy3'].flatMap((name) => [
        `/usr/lib/${name}/b.py`,
        `/usr/lib/${name}/__pycache__/b.${name.startsWith('pypy') ? 'pypy39' : 'cpython-39'}.pyc`,
      ]),
    ],
    [
      "Debian's shared directory, with what several read",
      ['/usr/lib/python3/dist-packages/b.py', '/usr/lib/python3/dist-packages/__pycache__/b.cpython-312.pyc'],
    ],
  ])('finds nothing wrong with %s', (_, paths) => {
    expect(found(...paths)).toEqual([]);
  });

  it('names pycs without a source', () => {
    const path = `${site}/__pycache__/gone.cpython-311.pyc`;
    expect(found(path)).toEqual([{ kind: 'orphan', path, detail: `there is no ${site}/gone.py` }]);
  });

  it('names pycs that the interpreter of their directory does not read', () => {
    const path = `${site}/__pycache__/b.cpython-39.pyc`;
    const detail = 'python3.11 does not read the pycs of cpython-39';
    expect(found(`${site}/b.py`, path)).toEqual([{ kind: 'foreign', path, detail }]);
  });

  it('names pycs by another interpreter than the others of their source', () => {
    const path = `${app}/__pycache__/a.pypy39.pyc`;
    const detail = 'made by pypy39, the others of its source by cpython-311';
    expect(found(path)).toEqual([{ kind: 'foreign', path, detail }]);
  });
});
