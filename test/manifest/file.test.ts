import { chownSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import { completeManifest } from '../../src/manifest/encode.ts';
import { goneFrom, manifestPieces, outputPath, writeWhole } from '../../src/manifest/file.ts';
import { everythingIn, plant, plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

const empty = completeManifest('0.1.0', { interpreters: [], records: [], skipped: [] });
const refusal = (code: string, message: string, path: string, hint?: string) =>
  expect.objectContaining({ code, message, path, hint });

describe('outputPath', () => {
  it('is the file with symlinks resolved', () => {
    const directory = temporaryDirectory();
    plant(directory, { 'real/old': 'text', link: { symlink: 'real' } });
    const buildroot = openTree(plantBuildroot({}));
    expect(outputPath(buildroot, join(directory, 'link/new'))).toBe(join(directory, 'real/new'));
    expect(outputPath(buildroot, join(directory, 'link/../link/old'))).toBe(join(directory, 'real/old'));
  });

  it('is the target of a symlink, whether it exists or not', () => {
    const directory = temporaryDirectory();
    plant(directory, {
      'store/real': 'text',
      'a/b/real': 'text',
      there: { symlink: 'store/real' },
      new: { symlink: 'again' },
      again: { symlink: 'store/new' },
      link: { symlink: 'a/b' },
      loop: { symlink: 'loop' },
    });
    const buildroot = openTree(plantBuildroot({}));
    const at = (file: string) => outputPath(buildroot, `${directory}/${file}`).slice(directory.length + 1);
    expect(['there', 'new', 'link/../real', 'link/../new'].map(at)).toEqual([
      'store/real',
      'store/new',
      'a/real',
      'a/new',
    ]);
    expect(() => at('loop')).toThrow('its directory cannot be used (ELOOP)');
    symlinkSync(join(buildroot.path, 'new'), join(directory, 'into'));
    expect(() => at('into')).toThrow('is inside the buildroot');
  });

  it('resolves a relative path in the current directory', () => {
    const buildroot = openTree(plantBuildroot({}));
    expect(outputPath(buildroot, 'manifest.json')).toBe(join(process.cwd(), 'manifest.json'));
  });

  it('refuses a file inside the buildroot, however it is reached', () => {
    const buildroot = openTree(plantBuildroot({ usr: { directory: true } }));
    const link = join(temporaryDirectory(), 'link');
    symlinkSync(buildroot.path, link);
    for (const file of [`${buildroot.path}/manifest`, `${buildroot.path}/usr/manifest`, `${link}/usr/manifest`]) {
      expect(() => outputPath(buildroot, file)).toThrow(
        refusal(
          'usage',
          'is inside the buildroot and would be packaged',
          file,
          'write it outside, for example below RPM_BUILD_DIR',
        ),
      );
    }
  });

  it('refuses a file whose directory is missing', () => {
    const file = join(temporaryDirectory(), 'missing/manifest');
    expect(() => outputPath(openTree(plantBuildroot({})), file)).toThrow(
      refusal('usage', 'its directory cannot be used (ENOENT)', file),
    );
  });

  it('refuses anything but a regular file', () => {
    const directory = temporaryDirectory();
    for (const file of [directory, '/dev/null']) {
      expect(() => outputPath(openTree(plantBuildroot({})), file)).toThrow(
        refusal('usage', 'is not a regular file', file),
      );
    }
  });
});

describe('writeWhole', () => {
  it('replaces the file, and leaves nothing else behind', () => {
    const directory = temporaryDirectory();
    plant(directory, { old: 'old', other: { hardLink: 'old' } });
    const before = lstatSync(join(directory, 'old')).ino;
    writeWhole(join(directory, 'old'), 'new');
    expect(readFileSync(join(directory, 'old'), 'utf8')).toBe('new');
    expect(lstatSync(join(directory, 'old')).ino).not.toBe(before);
    expect(readFileSync(join(directory, 'other'), 'utf8')).toBe('old');
    expect(everythingIn(directory)).toEqual(['old', 'other']);
  });

  it('keeps the mode and the owner of the file', () => {
    const file = join(temporaryDirectory(), 'old');
    writeFileSync(file, 'old', { mode: 0o600 });
    if (process.getuid?.() === 0) chownSync(file, 7, 8);
    const { uid, gid, mode } = lstatSync(file);
    writeWhole(file, 'new');
    expect(lstatSync(file)).toMatchObject({ uid, gid, mode, size: 3 });
  });

  it('creates the file if it does not exist', () => {
    const directory = temporaryDirectory();
    writeWhole(join(directory, 'new'), 'text');
    expect(readFileSync(join(directory, 'new'), 'utf8')).toBe('text');
  });

  it('reports the file that cannot be written', () => {
    const file = join(temporaryDirectory(), 'missing/file');
    expect(() => writeWhole(file, 'text')).toThrow(refusal('file-failed', 'cannot be written (ENOENT)', file));
  });
});

describe('manifestText', () => {
  it('is readable JSON with a trailing newline', () => {
    expect([...manifestPieces({ ...empty, optimizationLevels: [0] })].join('').split('\n')).toEqual([
      '{',
      ' "schemaVersion": 1,',
      ' "pyclink": "0.1.0",',
      ' "interpreters": [],',
      ' "optimizationLevels": [',
      '  0',
      ' ],',
      ' "invalidationModes": [],',
      ' "linkGroups": [],',
      ' "singlePycs": [],',
      ' "skipped": [],',
      ' "totals": {',
      '  "pycs": 0,',
      '  "linkGroups": 0,',
      '  "links": 0,',
      '  "sizeBytesWithoutLinks": 0,',
      '  "sizeBytes": 0',
      ' }',
      '}',
      '',
    ]);
  });
});

describe('goneFrom', () => {
  it.each([
    ['/usr/a.py', false],
    ['/usr/dangling.py', false],
    ['/usr', false],
    ['/usr/b.py', true],
    ['/etc/passwd', true],
  ])('says of %s: %s', (path, gone) => {
    const buildroot = openTree(plantBuildroot({ 'usr/a.py': '', 'usr/dangling.py': { symlink: 'nothing' } }));
    expect(goneFrom(buildroot)(path as PayloadPath)).toBe(gone);
  });
});
