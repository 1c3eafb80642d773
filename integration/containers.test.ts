/** Builds images from a Containerfile with buildah, with the three lines of docs/images.md, and runs what is in them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { linkGroupsIn, plant } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { chrootTools, makeChroot } from './helpers/chroot.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const checkout = join(import.meta.dirname, '..');
const sourceText = 'import asyncio\n\n\ndef pay(sum):\n    """Docs."""\n    assert sum > 0\n';

describeWith([...chrootTools, ...missingTools('buildah', 'unshare')], 'an image built from a Containerfile', () => {
  let work: string;
  const at = (...names: string[]) => join(work, ...names);
  const buildah = async (...args: string[]) => {
    const storage = ['--root', at('store'), '--runroot', at('run'), '--storage-driver', 'vfs'];
    return (await execa('buildah', [...storage, ...args], { cwd: at('context') })).stdout;
  };

  /** The base image: Debian with Python, and no Node.js. */
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'pyclink-containers-'));
    plant(work, { 'context/app/shop.py': sourceText, 'context/app/till.py': 'total = 0\n' });
    const executable = execa('tsx', ['integration/sea.ts', at('context/pyclink')], {
      cwd: checkout,
      preferLocal: true,
    });
    const chroot = await makeChroot('bookworm');
    try {
      await chroot.install('python3');
      await execa('tar', ['-C', chroot.directory, '--one-file-system', '-cf', at('base.tar'), '.']);
    } finally {
      chroot.remove();
    }
    await executable;
    const container = await buildah('from', 'scratch');
    await buildah('add', '--quiet', container, at('base.tar'), '/');
    await buildah('commit', '--quiet', container, 'base');
    await buildah('rm', container);
  }, 240_000);

  afterAll(() => rmSync(work, { recursive: true, force: true }), 60_000);

  /** Builds an image, and looks into it. */
  async function built<T>(lines: readonly string[], look: (root: string) => Promise<T>): Promise<T> {
    writeFileSync(at('context/Containerfile'), `${lines.join('\n')}\n`);
    await buildah('bud', '--quiet', '--isolation', 'chroot', '--layers=false', '--tag', 'shop', '.');
    const container = await buildah('from', 'shop');
    try {
      return await look(await buildah('mount', container));
    } finally {
      await buildah('rm', container);
    }
  }

  const threeLines = [
    'FROM localhost/base',
    'COPY app /app',
    'RUN --mount=type=bind,source=pyclink,target=/pyclink /pyclink build --in-place --manifest /pyclink.json && ' +
      '/pyclink build --in-place /app --manifest /pyclink.json --append',
  ];

  it('starts without compiling, at each level, under a read-only root, as another user', async () => {
    await built(threeLines, async (root) => {
      const enter =
        'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"; root=$1; shift; exec /usr/sbin/chroot --userspec=65534:65534 "$root" "$@"';
      for (const level of [[], ['-O'], ['-OO']]) {
        const program =
          'import sys; sys.path.insert(0, "/app"); import shop, till, email.mime.text, json; open("/x", "w")';
        const words = ['python3', ...level, '-v', '-c', program];
        const env = { PATH: '/usr/bin:/bin' };
        const ran = await execa('unshare', ['--mount', 'sh', '-e', '-c', enter, 'sh', root, ...words], {
          env,
          extendEnv: false,
          reject: false,
        });
        expect(ran.stderr).toContain('matches /app/shop.py');
        expect(ran.stderr).toContain('Read-only file system');
        expect(ran.stderr).not.toMatch(/wrote|could not create|code object from '?\/(?!.*\.pyc)/);
      }
      await execa('cp', [join(root, 'pyclink.json'), at('manifest.json')]);
    });
    for (const target of [`oci:${at('pushed')}`, `docker-archive:${at('pushed.tar')}`])
      await buildah('push', '--quiet', 'shop', target);
    const { status, stdout } = await pyclink([
      'verify',
      '--manifest',
      at('manifest.json'),
      at('pushed'),
      at('pushed.tar'),
    ]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/: all as built\n$/) });
  }, 200_000);

  it.each([
    ['COPY', ['FROM localhost/base', 'COPY linked /copied']],
    [
      'COPY --from',
      [
        'FROM localhost/base AS first',
        'COPY linked /linked',
        'FROM localhost/base',
        'COPY --from=first /linked /copied',
      ],
    ],
  ])(
    'has the links of what %s copied',
    async (_, lines) => {
      plant(at('context'), { 'linked/app/till.py': 'total = 0\n' });
      await pyclink(['build', '-q', '--buildroot', at('context/linked'), '/app']);
      const groups = await built(lines, async (root) => linkGroupsIn(join(root, 'copied')));
      expect(groups.map((group) => group.length)).toEqual([3]);
    },
    100_000,
  );

  it('can be linked in another root file system, that of buildah mount, with --chroot', async () => {
    await built(['FROM localhost/base', 'COPY app /app'], async (root) => {
      const args = ['build', '--chroot', '--buildroot', root, '/app', '-q'];
      expect(await pyclink(args)).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(linkGroupsIn(join(root, 'app')).length).toBeLessThan(6);
    });
  }, 100_000);
});
