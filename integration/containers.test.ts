/** Builds images from a Containerfile with buildah, with the lines of docs/images.md, and runs what is in them. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { linkGroupsIn, plant } from '../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
import { chrootTools, makeChroot } from './helpers/chroot.ts';
import { blocksOf } from './helpers/images-page.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const checkout = join(import.meta.dirname, '..');
const sourceText = 'import asyncio\n\n\ndef pay(sum):\n    """Docs."""\n    assert sum > 0\n';

describeWith([...chrootTools, ...missingTools('buildah', 'unshare')], 'an image built from a Containerfile', () => {
  let work: string;
  const at = (...names: string[]) => join(work, ...names);
  const buildah = async (...args: string[]) => (await execa(at('bin/buildah'), args, { cwd: at('context') })).stdout;
  /** Runs commands of the page as they are. */
  const sh = (commands: string, more: Readonly<Record<string, string>> = {}) => {
    const env = { PATH: `${at('bin')}:${process.env['PATH']}`, BUILDAH_ISOLATION: 'chroot', ...more };
    return execa('sh', ['-e', '-c', commands], { cwd: at('context'), env });
  };

  /** The base image: Debian with Python, and no Node.js. */
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'pyclink-containers-'));
    plant(work, {
      'context/app/shop.py': sourceText,
      'context/app/till.py': 'total = 0\n',
      'bin/buildah': [
        '#!/bin/sh',
        `export CONTAINERS_CONF=${at('containers.conf')}`,
        `exec /usr/bin/buildah --root ${at('store')} --runroot ${at('run')} --storage-driver vfs "$@"`,
        '',
      ].join('\n'),
      // Within a container nobody may raise a limit, as newer releases would.
      'containers.conf': '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n',
      'bin/pyclink': `#!/bin/sh\nexec ${process.execPath} ${bundle} "$@"\n`,
    });
    for (const name of ['buildah', 'pyclink']) chmodSync(at('bin', name), 0o755);
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

  afterAll(() => rmSync(work, { recursive: true, force: true }), 240_000);

  /** Builds an image, or takes the last one, and looks into it. */
  async function built<T>(lines: readonly string[], look: (root: string) => Promise<T>): Promise<T> {
    if (lines.length > 0) {
      writeFileSync(at('context/Containerfile'), `${lines.join('\n')}\n`);
      await buildah('bud', '--quiet', '--isolation', 'chroot', '--layers=false', '--tag', 'shop', '.');
    }
    const container = await buildah('from', 'shop');
    try {
      return await look(await buildah('mount', container));
    } finally {
      await buildah('rm', container);
    }
  }

  const [, lines = '', withManifest = '', bud = ''] = blocksOf('In a Containerfile');

  it('starts without compiling, at each level, under a read-only root, as another user', async () => {
    // What the page says of the manifest is the same but for that.
    const plain = withManifest.replaceAll(/ --manifest \S+( --append)?/g, '');
    expect(plain.split(/[\s\\]+/)).toEqual(
      lines
        .replace('COPY app /app', '')
        .trim()
        .split(/[\s\\]+/),
    );
    writeFileSync(at('context/Containerfile'), `FROM localhost/base\nCOPY app /app\n${withManifest}\n`);
    mkdirSync(at('context/proof'));
    await sh(bud);
    await built([], async (root) => {
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
    });
    for (const target of [`oci:${at('pushed')}`, `docker-archive:${at('pushed.tar')}`])
      await buildah('push', '--quiet', 'shop', target);
    const { status, stdout } = await pyclink([
      'verify',
      '--manifest',
      at('context/proof/pyclink.json'),
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
      expect(linkGroupsIn(join(root, 'app'))).toEqual([]);
      const [commands = ''] = blocksOf('In the root file system of another image');
      const container = await buildah('containers', '--quiet');
      expect(await sh(commands, { container })).toMatchObject({ exitCode: 0 });
      expect(linkGroupsIn(join(root, 'app')).length).toBeLessThan(6);
    });
  }, 100_000);
});
