import { describe, expect, it } from 'vitest';
import {
  expectedInterpreter,
  guessCommand,
  homeOfEnvironment,
  pythonDirectoryOf,
} from '../../src/buildroot/python-directory.ts';
import type { PayloadPath } from '../../src/files/path.ts';

const interpreter = (directory: string, command: string) => ({ kind: 'interpreter', directory, command });

describe('pythonDirectoryOf', () => {
  it.each([
    ['/usr/lib/python3.11/site-packages/a.py', interpreter('/usr/lib/python3.11', 'python3.11')],
    ['/usr/lib/python3.11', interpreter('/usr/lib/python3.11', 'python3.11')],
    ['/usr/lib64/python3.13t/a.py', interpreter('/usr/lib64/python3.13t', 'python3.13t')],
    ['/lib/python3.9/a.py', interpreter('/lib/python3.9', 'python3.9')],
    ['/opt/app/venv/lib/python3.12/a.py', interpreter('/opt/app/venv/lib/python3.12', 'python3.12')],
    ['/usr/lib/pypy3/dist-packages/a.py', interpreter('/usr/lib/pypy3', 'pypy3')],
    ['/usr/lib64/pypy3.9/a.py', interpreter('/usr/lib64/pypy3.9', 'pypy3.9')],
    ['/usr/lib/python3.11/x/lib/python3.9/a.py', interpreter('/usr/lib/python3.11', 'python3.11')],
    ['/odd\nname/lib/python3.9/a.py', interpreter('/odd\nname/lib/python3.9', 'python3.9')],
    ['/usr/lib/python3/dist-packages/a.py', { kind: 'supported-pythons', directory: '/usr/lib/python3/dist-packages' }],
    ['/usr/lib/python2.7/a.py', { kind: 'python2', directory: '/usr/lib/python2.7' }],
    ['/usr/lib/python3/a.py', undefined],
    ['/usr/lib/python3/dist-packages-of-mine/a.py', undefined],
    ['/usr/lib/python3.11-foo/a.py', undefined],
    ['/usr/lib/python3.11.py', undefined],
    ['/usr/mylib/python3.11/a.py', undefined],
    ['/usr/share/python3.11/a.py', undefined],
    ['/usr/share/app/a.py', undefined],
  ])('of %j is %o', (path, expected) => {
    expect(pythonDirectoryOf(path as PayloadPath)).toEqual(expected);
  });
});

describe('guessCommand', () => {
  it.each([
    ['/usr/share/app/a.py', 'python3'],
    ['/usr/share/python3.9/a.py', 'python3.9'],
    ['/opt/python3.13t/bin/a.py', 'python3.13t'],
    ['/opt/pypy3/site-packages/a.py', 'pypy3'],
    ['/opt/pypy3.10/x/python3.9/a.py', 'pypy3.10'],
    ['/opt/python2.7/a.py', 'python3'],
    ['/opt/mypython3.9/a.py', 'python3'],
    ['/usr/share/python3.9', 'python3'],
  ])('for %s is %s', (path, command) => {
    expect(guessCommand(path as PayloadPath)).toBe(command);
  });
});

describe('homeOfEnvironment', () => {
  it.each([
    ['home = /usr/bin\nversion = 3.11.2\n', '/usr/bin'],
    ['version = 3.11.2\nhome=/opt/my python/bin  \n', '/opt/my python/bin'],
    ['HOME = /usr/bin\r\n', '/usr/bin'],
    ['home = bin\n', undefined],
    ['not-home = /usr/bin\n', undefined],
    ['homes = /usr/bin\n', undefined],
    ['', undefined],
    ['home = bin\n  home  =  /usr/bin', '/usr/bin'],
  ])('reads %j as %s', (text, home) => {
    expect(homeOfEnvironment(text)).toBe(home);
  });

  it('takes time in proportion to the file', () => {
    expect(homeOfEnvironment(`${'\n'.repeat(2_000_000)}x`)).toBeUndefined();
    expect(homeOfEnvironment(`home=/a${' '.repeat(2_000_000)}b`)).toMatch(/^\/a +b$/);
  });
});

describe('expectedInterpreter', () => {
  it.each([
    ['python3.11', { implementation: 'cpython', version: '3.11', freeThreaded: false }],
    ['python3.13t', { implementation: 'cpython', version: '3.13', freeThreaded: true }],
    ['/usr/bin/python3.9', { implementation: 'cpython', version: '3.9', freeThreaded: false }],
    ['pypy3', { implementation: 'pypy' }],
    ['pypy3.10', { implementation: 'pypy', version: '3.10', freeThreaded: false }],
    ['python3', {}],
    ['my-python3.9', {}],
    ['python3.9-debug', {}],
    ['python3.9/python', {}],
  ])('of %s is %o', (command, expected) => {
    expect(expectedInterpreter(command)).toEqual(expected);
  });
});
