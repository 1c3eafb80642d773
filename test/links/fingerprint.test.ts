import { execFileSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StagedPath } from '../../src/files/path.ts';
import { readPyc } from '../../src/links/fingerprint.ts';
import { type Planted, plantBuildroot } from '../helpers/buildroot.ts';

function planted(files: Readonly<Record<string, Planted>>) {
  const root = plantBuildroot(files);
  return (name: string) => join(root, name) as StagedPath;
}

describe('readPyc', () => {
  it('reads bytes and metadata', () => {
    const path = planted({ 'a.pyc': { content: Buffer.from([0, 255, 10]), mode: 0o4640, mtime: 1_600_000_000.5 } });
    const stat = lstatSync(path('a.pyc'), { bigint: true });
    expect(readPyc(path('a.pyc'))).toEqual({
      path: path('a.pyc'),
      identity: `${stat.dev}:${stat.ino}`,
      mode: 0o4640,
      userId: Number(stat.uid),
      groupId: Number(stat.gid),
      sizeBytes: 3,
      modifiedNs: 1_600_000_000_500_000_000n,
      content: Buffer.from([0, 255, 10]),
    });
  });

  it.each([
    ['nothing', 'missing.pyc'],
    ['something below a file', 'a.pyc/b.pyc'],
    ['a directory', 'directory.pyc'],
    ['a symlink', 'symlink.pyc'],
    ['a symlink that leads in a circle', 'loop.pyc'],
  ])('returns undefined for %s', (_what, name) => {
    const path = planted({
      'a.pyc': 'text',
      'directory.pyc': { directory: true },
      'symlink.pyc': { symlink: 'a.pyc' },
      'loop.pyc': { symlink: 'loop.pyc' },
    });
    expect(readPyc(path(name))).toBeUndefined();
  });

  it('does not block on a pipe', () => {
    const path = planted({});
    execFileSync('mkfifo', [path('a.pyc')]);
    expect(readPyc(path('a.pyc'))).toBeUndefined();
  });

  it('returns undefined for a socket', async () => {
    const path = planted({});
    const server = createServer();
    await new Promise<void>((done) => server.listen(path('a.pyc'), done));
    expect(readPyc(path('a.pyc'))).toBeUndefined();
    await new Promise((done) => server.close(done));
  });
});
