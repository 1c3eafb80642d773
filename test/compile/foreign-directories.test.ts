import { describe, expect, it } from 'vitest';
import type { Source } from '../../src/buildroot/source.ts';
import { foreignDirectories } from '../../src/compile/foreign-directories.ts';
import type { PayloadPath, StagedPath } from '../../src/files/path.ts';
import { python311 } from '../helpers/interpreter.ts';

const interpreter = { ...python311, executable: '/usr/bin/python3.11' };

function source(payload: string): Source {
  const staged = `/root${payload}` as StagedPath;
  return {
    staged,
    payload: payload as PayloadPath,
    content: staged,
    physical: true,
    hasCache: false,
    interpreter: { command: '/usr/bin/python3.11' },
    sizeBytes: 1,
    mtimeSeconds: 1,
  };
}

const warning = (directory: string, reader: string) =>
  `${directory}: compiled by /usr/bin/python3.11 (Python 3.11.2), but used by ${reader}, which cannot load these pycs`;

describe('foreignDirectories', () => {
  it.each([
    ['its own', ['/usr/lib/python3.11/a.py'], []],
    ["another release's", ['/usr/lib/python3.12/a.py'], [warning('/usr/lib/python3.12', 'python3.12')]],
    ['a free-threaded one', ['/usr/lib64/python3.11t/a.py'], [warning('/usr/lib64/python3.11t', 'python3.11t')]],
    ["PyPy's", ['/usr/lib/pypy3.11/a.py'], [warning('/usr/lib/pypy3.11', 'pypy3.11')]],
    ["Debian's for all", ['/usr/lib/python3/dist-packages/a.py'], []],
    ['a private one', ['/usr/share/app/a.py', '/opt/app/python3.12.py'], []],
    [
      "an application's own",
      ['/opt/office/program/python-core-3.10.13/lib/os.py', '/opt/office/program/python-core-3.11.2/lib/os.py'],
      [warning('/opt/office/program/python-core-3.10.13', 'python3.10')],
    ],
    [
      'two, each with many sources',
      ['/usr/lib/python3.12/a.py', '/usr/lib/python3.12/b/c.py', '/usr/lib/python3.13/a.py'],
      [warning('/usr/lib/python3.12', 'python3.12'), warning('/usr/lib/python3.13', 'python3.13')],
    ],
  ])('of %s', (_name, paths, expected) => {
    expect(foreignDirectories(paths.map(source), () => [interpreter])).toEqual(expected);
  });
});
