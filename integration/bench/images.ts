import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { bundle } from '../../test/helpers/pyclink.ts';
import { placeOf } from './corpora.ts';
import type { Command } from './measure.ts';
import { startTimesPicture } from './picture.ts';
import type { Entry, Work } from './work.ts';

/** Debian 12 with the usual libraries of an application, made by mmdebstrap. Kept between runs. */
const base = join(tmpdir(), 'pyclink-bench/image');
const packages = ['python3', 'python3-django', 'python3-numpy', 'python3-botocore'];
const program = 'import django.core.management, django.db.models, numpy, botocore.session';

/** What is done to each image before it starts. */
const kinds = {
  'pyclink: 3 levels': async (root: string) => {
    await execa(process.execPath, [bundle, 'build', '-q', '--chroot', '--buildroot', root]);
  },
  'pyclink: no columns': async (root: string) => {
    await execa(process.execPath, [bundle, 'build', '-q', '--chroot', '--no-debug-ranges', '--buildroot', root]);
  },
  'no pycs': async () => undefined,
  'compileall: level 0': async (root: string) => {
    const words = ['python3', '-m', 'compileall', '-q', '/usr/lib/python3', '/usr/lib/python3.11'];
    // Some modules in Debian are not for this Python.
    await execa('chroot', [root, ...words], { reject: false });
  },
} as const;
type Kind = keyof typeof kinds;

const levels = { python3: [], 'python3 -OO': ['-OO'] } as const;

/**
 * How long images with and without pycs take to import an application from a read-only root, and how large they are.
 */
export function imagesWork(): Work {
  const roots = Object.fromEntries(
    Object.keys(kinds).map((kind) => [kind, placeOf(`images/${kind.replaceAll(' ', '-')}`)]),
  );
  const contestants = (Object.keys(kinds) as Kind[]).flatMap((kind) =>
    Object.entries(levels).map(
      ([name, flags]): Entry => ({
        name: `${kind}, ${name}`,
        buildroot: roots[kind] ?? '',
        command: (root) => startIn(root, flags),
      }),
    ),
  );
  const sizes: Record<string, number> = {};
  return {
    name: 'images',
    contestants,
    prepare: async () => {
      if (!existsSync(base)) await makeBase();
      for (const [kind, change] of Object.entries(kinds)) {
        const root = roots[kind] ?? '';
        mkdirSync(join(root, '..'), { recursive: true });
        await execa('cp', ['-a', base, root]);
        await change(root);
        sizes[kind] = Number((await execa('du', ['-s', '-B1', root])).stdout.split('\t')[0]);
      }
      const pycs = everythingIn(roots['pyclink: 3 levels'] ?? '').filter((path) => path.endsWith('.pyc')).length;
      return `Debian 12 with ${packages.join(', ')}; ${pycs} pycs where there are three levels`;
    },
    picture: (rows, verdicts) =>
      startTimesPicture(
        rows,
        verdicts,
        'Time to import Django, numpy and botocore in an image whose root is read-only',
      ),
    reset: () => undefined,
    check: async () => undefined,
    verdicts: () =>
      Object.entries(sizes).map(([kind, bytes]) => ({ what: `MiB with ${kind}`, value: bytes / 2 ** 20 })),
  };
}

async function makeBase(): Promise<void> {
  const words = ['--variant=minbase', '--quiet', `--include=${packages.join(',')}`, 'bookworm', `${base}.new`];
  await execa('mmdebstrap', words, { stderr: 'inherit', env: { TMPDIR: '/tmp' } });
  // Debian packages compile when they are installed.
  await execa('find', [`${base}.new`, '-name', '__pycache__', '-prune', '-exec', 'rm', '-r', '{}', '+']);
  renameSync(`${base}.new`, base);
}

/** Starts Python in a read-only root file system. */
function startIn(root: string, flags: readonly string[]): Command {
  const script = 'mount --bind "$0" "$0"; mount -o remount,ro,bind "$0"; exec /usr/sbin/chroot "$0" "$@"';
  return { argv: ['unshare', '--mount', 'sh', '-e', '-c', script, root, 'python3', ...flags, '-c', program] };
}
