import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

const checkout = join(import.meta.dirname, '../..');

/** What dpkg-buildpackage makes of the checkout. */
export interface OwnPackage {
  readonly deb: string;
  readonly changes: string;
  readonly buildinfo: string;
  readonly log: string;
}

/** Copies the checkout as `npm ci` leaves it, stages and builds there as docs/debian.md says. */
export async function buildIn(parent: string): Promise<OwnPackage> {
  const tree = join(parent, 'pyclink');
  const leftOut = ['.git', 'dist', 'debian/staged'].map((name) => join(checkout, name));
  const filter = (path: string) => !leftOut.includes(path);
  cpSync(checkout, tree, { recursive: true, verbatimSymlinks: true, filter });
  const env = { PATH: process.env['PATH'] ?? '', HOME: parent, LC_ALL: 'C.UTF-8' };
  await execa('npm', ['run', '--silent', 'stage', '--', 'debian/staged'], { cwd: tree, extendEnv: false, env });
  const { all } = await execa('dpkg-buildpackage', ['-us', '-uc', '-b'], {
    cwd: tree,
    extendEnv: false,
    env: { ...env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    all: true,
  });
  const named = (end: string) => join(parent, readdirSync(parent).find((name) => name.endsWith(end)) ?? end);
  return { deb: named('.deb'), changes: named('.changes'), buildinfo: named('.buildinfo'), log: all };
}
