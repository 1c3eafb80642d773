import { symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBuildroot, openTree } from '../../src/buildroot/open.ts';
import { plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

const refusal = (message: string, path?: string, hint?: string) =>
  expect.objectContaining({ code: 'buildroot-unusable', exitStatus: 2, message, path, hint });

describe('openBuildroot', () => {
  it('resolves all symlinks, and keeps the given path', () => {
    const path = plantBuildroot({});
    const link = join(temporaryDirectory(), 'link');
    symlinkSync(path, link);
    expect(openBuildroot(`${link}//./`)).toEqual({ path, given: link });
  });

  it.each([undefined, ''])('refuses %j: no buildroot', (given) => {
    expect(() => openBuildroot(given)).toThrow(
      refusal('no buildroot', undefined, 'give --buildroot DIR, or set RPM_BUILD_ROOT'),
    );
  });

  it('resolves a relative path in the current directory', () => {
    const path = plantBuildroot({});
    expect(openBuildroot(relative(process.cwd(), path))).toEqual({ path, given: path });
  });

  it.each(['/', '//', '/usr/..', '/proc/self/root'])('refuses %s: it is the running system', (given) => {
    expect(() => openBuildroot(given)).toThrow(
      refusal(
        'the buildroot is the running system',
        given,
        'give the directory that the package is staged in, or --in-place',
      ),
    );
  });

  it('refuses a symlink to the running system', () => {
    const link = join(temporaryDirectory(), 'link');
    symlinkSync('/', link);
    expect(() => openBuildroot(link)).toThrow(
      refusal(
        'the buildroot is the running system',
        link,
        'give the directory that the package is staged in, or --in-place',
      ),
    );
  });

  it('refuses a missing directory', () => {
    const missing = join(temporaryDirectory(), 'missing');
    expect(() => openBuildroot(missing)).toThrow(
      refusal('cannot be opened (ENOENT)', missing, 'has anything been installed into it?'),
    );
  });

  it('refuses a file', () => {
    const file = join(plantBuildroot({ file: 'text' }), 'file');
    expect(() => openBuildroot(file)).toThrow(refusal('is not a directory', file));
  });
});

describe('openTree', () => {
  it('opens the running system, for reading only', () => {
    expect(openTree('/')).toEqual({ path: '/', given: '/' });
  });
});
