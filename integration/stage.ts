/** `npm run stage -- DIR`: lays out what a package of pyclink installs under DIR, from the bundle in dist/. */
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where each file of the checkout goes, and its permissions. */
const layout: readonly (readonly [from: string, to: string, mode: number])[] = [
  ['hooks/pyclink', 'usr/bin/pyclink', 0o755],
  ['dist/pyclink.cjs', 'usr/lib/pyclink/pyclink.cjs', 0o755],
  ['dist/worker.py', 'usr/lib/pyclink/worker.py', 0o644],
  ['dist/levels.py', 'usr/lib/pyclink/levels.py', 0o644],
  ['hooks/dh_pyclink', 'usr/bin/dh_pyclink', 0o755],
  ['hooks/Sequence/pyclink.pm', 'usr/share/perl5/Debian/Debhelper/Sequence/pyclink.pm', 0o644],
  ['hooks/brp-pyclink', 'usr/lib/rpm/pyclink/brp-pyclink', 0o755],
  ['hooks/brp-pyclink-hardlink', 'usr/lib/rpm/pyclink/brp-pyclink-hardlink', 0o755],
  ['rpm-macros/macros.pyclink', 'usr/lib/rpm/macros.d/macros.zz-pyclink', 0o644],
  ['docs/man/pyclink.1', 'usr/share/man/man1/pyclink.1', 0o644],
  ['docs/man/dh_pyclink.1', 'usr/share/man/man1/dh_pyclink.1', 0o644],
  ['docs/debian.md', 'usr/share/doc/pyclink/debian.md', 0o644],
  ['docs/rpm.md', 'usr/share/doc/pyclink/rpm.md', 0o644],
  ['debian/copyright', 'usr/share/licenses/pyclink/copyright', 0o644],
  ['node_modules/b4a/LICENSE', 'usr/share/licenses/pyclink/Apache-2.0', 0o644],
];

/** @param directory where the files go; made if it is not there */
export function stage(directory: string): void {
  const checkout = join(import.meta.dirname, '..');
  for (const [from, to, mode] of layout) {
    const target = join(directory, to);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(checkout, from), target);
    chmodSync(target, mode);
  }
}

const [, script, directory] = process.argv;
if (script !== undefined && import.meta.filename === script) {
  if (directory === undefined) {
    process.stderr.write('usage: npm run stage -- DIR\n');
    process.exitCode = 2;
  } else stage(directory);
}
