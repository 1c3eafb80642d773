import { describe, expect, it } from 'vitest';
import { existingPycs } from '../../src/rpm/existing.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

const site = '/usr/lib/python3.11/site-packages';
const timestamp = Buffer.from('a70d0d0a000000000000000000000000', 'hex');
const hashed = Buffer.from('a70d0d0a030000000000000000000000', 'hex');

describe('existingPycs', () => {
  it('groups sources by the levels, invalidation mode and place of their pycs', () => {
    const buildroot = plantBuildroot({
      [`${site}/a.py`]: '',
      [`${site}/__pycache__/a.cpython-311.pyc`]: timestamp,
      [`${site}/__pycache__/a.cpython-311.opt-1.pyc`]: timestamp,
      [`${site}/b.py`]: '',
      [`${site}/__pycache__/b.cpython-311.opt-1.pyc`]: timestamp,
      [`${site}/__pycache__/b.cpython-311.pyc`]: timestamp,
      [`${site}/c.py`]: '',
      [`${site}/__pycache__/c.cpython-311.pyc`]: hashed,
      '/usr/share/d.py': '',
      '/usr/share/__pycache__/d.cpython-311.opt-2.pyc': 'cut',
      // Without pycs, of which only the first is of a system's Python; without a source; and in no __pycache__.
      [`${site}/e.py`]: '',
      '/usr/share/f.py': '',
      '/usr/share/__pycache__/f.cpython-311.opt-3.pyc': timestamp,
      [`${site}/__pycache__/gone.cpython-311.pyc`]: timestamp,
      '/usr/share/f.pyc': timestamp,
    });
    const staged = (...paths: string[]) => paths.map((path) => `${buildroot}${path}`);
    const { alike, withoutPycs } = existingPycs(buildroot);
    expect(alike).toEqual([
      {
        levels: [0, 1],
        invalidationMode: 'timestamp',
        isSystem: true,
        sources: staged(`${site}/a.py`, `${site}/b.py`),
      },
      { levels: [0], invalidationMode: 'checked-hash', isSystem: true, sources: staged(`${site}/c.py`) },
      { levels: [2], invalidationMode: 'timestamp', isSystem: false, sources: staged('/usr/share/d.py') },
    ]);
    expect(withoutPycs).toBe(1);
  });
});
