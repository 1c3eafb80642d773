/** Verifies container images that skopeo, umoci and ostree made. */

import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, expect, it } from 'vitest';
import { plant, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const directory = '/usr/lib/python3/dist-packages';
const sources = { cart: '"""Docs."""\nitems = []\n', till: 'total = 0\n' };
const healthy = { status: 0, stdout: 'pyclink: 6 pycs, 2 link groups: all as built\n', stderr: '' };
const pyc = (name: string, suffix = '') => `${directory}/__pycache__/${name}.${systemPython.cacheTag}${suffix}.pyc`;

/** A built tree, and the images that are made of it. */
interface Workshop {
  readonly top: string;
  readonly root: string;
  readonly at: (...names: string[]) => string;
  readonly run: (command: string, ...args: string[]) => Promise<unknown>;
  readonly verify: (...args: string[]) => ReturnType<typeof pyclink>;
}

async function workshop(...more: string[]): Promise<Workshop> {
  const top = temporaryDirectory();
  const [root, manifest] = [join(top, 'root'), join(top, 'manifest.json')];
  for (const [name, content] of Object.entries(sources)) {
    plant(root, { [`${directory}/${name}.py`]: { content, mtime: 1_600_000_000 } });
  }
  const built = await pyclink(['build', '-q', '--buildroot', root, '--manifest', manifest, ...more]);
  expect(built).toEqual({ status: 0, stdout: '', stderr: '' });
  return {
    top,
    root,
    at: (...names) => join(top, ...names),
    run: (command, ...args) => execa(command, args, { cwd: top }),
    verify: (...args) => pyclink(['verify', '--manifest', manifest, ...args], { cwd: top }),
  };
}

/** Adds an image to the layout `oci`: the tree as its only layer. */
async function addImage({ run, at }: Workshop, tag: string): Promise<void> {
  if (!existsSync(at('oci'))) await run('umoci', 'init', '--layout', 'oci');
  await run('umoci', 'new', '--image', `oci:${tag}`);
  await run('umoci', 'insert', '--image', `oci:${tag}`, 'root', '/');
}

const lastLayer = /layer 2 of 2 \(sha256:[0-9a-f]{12}\)/;

describeWith(missingTools('umoci', 'skopeo', 'ostree', 'zstd'), 'verify of images', () => {
  let shop: Workshop;

  beforeEach(async () => {
    shop = await workshop();
    await addImage(shop, 'one');
  });

  it('reads an OCI layout, with and without the name of the image', async () => {
    expect(await shop.verify('oci')).toEqual(healthy);
    expect(await shop.verify('oci:one')).toEqual(healthy);
  });

  it.each([
    ['an OCI archive', ['oci:oci:one', 'oci-archive:image.tar:one'], 'image.tar:one', 'true'],
    ['what docker save writes', ['oci:oci:one', 'docker-archive:image.tar:shop:1'], 'image.tar', 'true'],
    ['the same, compressed', ['oci:oci:one', 'docker-archive:image.tar'], 'image.tar.gz', 'gzip image.tar'],
    ['an image by name', ['oci:oci:one', 'docker-archive:image.tar:s:1'], 'image.tar:docker.io/library/s:1', 'true'],
    [
      'layers of zstd',
      ['--dest-compress-format', 'zstd', '--format', 'oci', 'docker-archive:plain.tar', 'oci:z'],
      'z',
      'true',
    ],
  ])('reads %s', async (_, copy, target, then) => {
    if (copy.includes('docker-archive:plain.tar'))
      await shop.run('skopeo', 'copy', 'oci:oci:one', 'docker-archive:plain.tar');
    await shop.run('skopeo', 'copy', '-q', ...copy);
    await shop.run('sh', '-c', then);
    expect(await shop.verify(target)).toEqual(healthy);
    if (target === 'z') expect(mediaTypes(shop.at('z'))).toContain('application/vnd.oci.image.layer.v1.tar+zstd');
  });

  it('checks several images at once, each by itself', async () => {
    await shop.run('cp', '-a', 'oci', 'other');
    await shop.run('umoci', 'insert', '--image', 'other:one', '--whiteout', pyc('till'));
    const ran = await shop.verify('oci', 'other');
    expect(ran.status).toBe(1);
    expect(ran.stdout.replace(lastLayer, 'LAYER')).toBe(
      `missing: ${pyc('till')}: in the manifest, but not in the payload: LAYER removed it, in other\n` +
        'pyclink: 6 pycs, 2 link groups: 1 finding\n',
    );
  });

  it('reports the layer that replaces a source', async () => {
    plant(shop.top, { 'till.py': { content: 'total = 1\n', mtime: 1_600_000_001 } });
    await shop.run('umoci', 'insert', '--image', 'oci:one', 'till.py', `${directory}/till.py`);
    const { status, stdout } = await shop.verify('oci');
    expect(status).toBe(1);
    const findings = stdout.trim().split('\n').slice(0, -1);
    expect(findings.map((line) => line.replace(lastLayer, 'LAYER'))).toEqual(
      ['.opt-1', '.opt-2', ''].map(
        (suffix) =>
          `stale: ${pyc('till', suffix)}: it records mtime 2020-09-13T12:26:40Z, the source has 2020-09-13T12:26:41Z: LAYER wrote its source`,
      ),
    );
  });

  it('reports the layer that splits a group', async () => {
    copyFileSync(join(shop.root, pyc('till')), shop.at('copy'));
    await shop.run('umoci', 'insert', '--image', 'oci:one', 'copy', pyc('till', '.opt-1'));
    const { status, stdout } = await shop.verify('oci');
    expect(status).toBe(1);
    expect(stdout).toContain('unlinked: ');
    expect(stdout).toMatch(lastLayer);
  });

  it.each([
    ['a directory', '/usr/lib'],
    ['the directory of the pycs', `${directory}/__pycache__`],
  ])('notices that a layer removes %s', async (_, path) => {
    await shop.run('umoci', 'insert', '--image', 'oci:one', '--whiteout', path);
    const { stdout } = await shop.verify('oci');
    expect(stdout.match(/^missing: .*layer 2 of 2 .* removed it$/gm)).toHaveLength(6);
    expect(stdout).toContain('pyclink: oci: it contains no pyc of the manifest\n');
  });

  it('notices that a layer empties a directory and refills it', async () => {
    const cache = `${directory}/__pycache__`;
    await shop.run('cp', '-a', `root${cache}`, 'cache');
    await shop.run('umoci', 'insert', '--image', 'oci:one', '--opaque', 'cache', cache);
    expect(await shop.verify('oci')).toEqual(healthy);
    rmSync(shop.at('cache'), { recursive: true });
    mkdirSync(shop.at('cache'));
    await shop.run('umoci', 'insert', '--image', 'oci:one', '--opaque', 'cache', cache);
    expect((await shop.verify('oci')).stdout.match(/^missing: .*layer 3 of 3 .* removed it$/gm)).toHaveLength(6);
  });

  it('notices that a symlink replaces a directory', async () => {
    symlinkSync('/opt', shop.at('link'));
    await shop.run('umoci', 'insert', '--image', 'oci:one', 'link', '/usr/lib/python3');
    expect((await shop.verify('oci')).stdout.match(/^missing: .*layer 2 of 2 .* removed it$/gm)).toHaveLength(6);
  });

  it.each(['timestamp', 'checked-hash'])(
    'reads layers whose files are links into an ostree repository (%s)',
    async (mode) => {
      const { at, run, verify } = await workshop('--invalidation-mode', mode);
      await run('ostree', '--repo=repo', 'init', '--mode=bare');
      await run('ostree', '--repo=repo', 'commit', '--branch=main', '--owner-uid=0', '--owner-gid=0', 'root');
      mkdirSync(at('image/sysroot/ostree'), { recursive: true });
      await run('ostree', '--repo=repo', 'checkout', '-H', 'main', 'image/tree');
      await run('sh', '-e', '-c', 'mv image/tree/usr image/; rmdir image/tree; mv repo image/sysroot/ostree/repo');
      const tar = ['--sort=name', '--mtime=@0', '-C', 'image', '--exclude=*.lock'];
      await run('tar', '-cf', 'one.tar', ...tar, 'sysroot', 'usr');
      expect((await execa('tar', ['-tvf', at('one.tar')])).stdout).toMatch(
        /till\.py link to sysroot\/ostree\/repo\/objects/,
      );
      // Their mtimes are gone.
      const reported = mode === 'timestamp' ? { status: 1, stdout: expect.stringContaining('6 findings') } : healthy;
      expect(await verify('one.tar')).toMatchObject(reported);
      // The objects in a layer, the names in the next one, as ostree-container has it.
      layout(at('split'), [await packed(at('one.tar'), 'objects'), await packed(at('one.tar'), 'names')]);
      expect(await verify('split')).toMatchObject(reported);
      // Garbage in an object is found.
      const objects = (await execa('find', [at('image/sysroot'), '-links', '+2', '-name', '*.file'])).stdout.split(
        '\n',
      );
      for (const object of objects.filter((path) => readFileSync(path).includes('total')))
        writeFileSync(object, 'garbage');
      await run('tar', '-cf', 'two.tar', ...tar, 'sysroot', 'usr');
      expect((await verify('two.tar')).stdout).toMatch(/^damaged: /m);
    },
  );

  it('skips what no payload needs: devices, names that are not UTF-8, names and links that point outside', async () => {
    const script = [
      'import io, sys, tarfile',
      'with tarfile.open(sys.argv[1], "w", encoding="utf-8", errors="surrogateescape") as tar:',
      '    def add(name, type=tarfile.REGTYPE, link="", data=b"x"):',
      '        member = tarfile.TarInfo(name)',
      '        member.type, member.linkname, member.size = type, link, len(data) if type == tarfile.REGTYPE else 0',
      '        tar.addfile(member, io.BytesIO(data))',
      '    add("../../../../etc/shadow")',
      '    add("dev/null", tarfile.CHRTYPE)',
      '    add("run/pipe", tarfile.FIFOTYPE)',
      '    add("usr/lib/python3/dist-packages/\\udcff.py")',
      '    add("etc", tarfile.SYMTYPE, "../../../..")',
      '    add("usr/out.pyc", tarfile.LNKTYPE, "../../../../../etc/passwd")',
      '    add("usr/.wh..wh.x")',
    ];
    const file = shop.at('odd.tar');
    await execa(systemPython.executable, ['-c', script.join('\n'), file]);
    await shop.run('tar', '-C', 'root', '-cf', 'root.tar', '.');
    layout(shop.at('odd'), [readFileSync(shop.at('root.tar')), readFileSync(file)]);
    expect(await shop.verify('odd')).toEqual(healthy);
  });

  it.each([
    ['a name that is not there', ['oci:two'], 2, 'oci: has no image two; it has one'],
    [
      'a platform that is not there',
      ['oci', '--platform', 'linux/s390x'],
      2,
      'oci: has no image for linux/s390x; it has linux/',
    ],
    ['a platform that is none', ['oci', '--platform', 'linux'], 2, '--platform: takes OS/ARCHITECTURE'],
    ['a reference to a directory that is no image', ['root:one'], 2, 'root: is not an image'],
    ['a target that is not there', ['ocy:one'], 2, 'ocy:one: cannot be opened (ENOENT)'],
    ['too many entries', ['oci', '--max-entries', '5'], 3, 'oci: has more than 5 entries'],
    ['too large a layer', ['oci', '--max-size', '3K'], 3, 'oci: unpacks to more than 3072 bytes'],
  ])('refuses %s', async (_, args, status, message) => {
    const ran = await shop.verify(...args);
    expect(ran).toMatchObject({ status, stdout: '' });
    expect(ran.stderr).toContain(message);
  });

  it('refuses an ambiguous image or platform', async () => {
    await addImage(shop, 'two');
    expect(await shop.verify('oci')).toMatchObject({
      status: 2,
      stderr: 'pyclink: error: oci: has 2 images, one, two: choose one as FILE:NAME\n',
    });
    expect(await shop.verify('oci:two')).toEqual(healthy);
    withPlatforms(shop.at('oci'), ['linux/arm64', 'windows/amd64']);
    expect((await shop.verify('oci')).stderr).toContain(
      'has images for linux/arm64, windows/amd64: choose with --platform\n',
    );
    expect(await shop.verify('oci', '--platform', 'linux/arm64')).toEqual(healthy);
  });

  it.each<[string, (blob: string) => void, string]>([
    ['is missing', (blob) => rmSync(blob), 'layer 1 of 1 (sha256:DIGEST) is missing'],
    ['is cut', (blob) => truncateSync(blob, 200), 'layer 1 of 1 (sha256:DIGEST) cannot be read: '],
    ['is another', (blob) => replaceLayer(blob), 'layer 1 of 1 (sha256:DIGEST) does not match its digest'],
    ['leads out', (blob) => leadOut(blob), 'layer 1 of 1 (sha256:DIGEST) is missing'],
  ])('reports a layer that %s', async (_, harm, message) => {
    const blob = largestBlob(shop.at('oci'));
    harm(blob);
    const { status, stdout, stderr } = await shop.verify('oci');
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr.replace(/sha256:[0-9a-f]{12}/, 'sha256:DIGEST')).toContain(message);
  });

  it('reads layers that are symlinks to others, as old engines saved equal ones', async () => {
    await shop.run('skopeo', 'copy', '-q', 'oci:oci:one', 'docker-archive:image.tar');
    await shop.run('sh', '-e', '-c', 'mkdir saved; tar -C saved -xf image.tar; mkdir saved/same');
    const file = shop.at('saved/manifest.json');
    const [image] = JSON.parse(readFileSync(file, 'utf8'));
    const [layer = ''] = image.Layers as string[];
    symlinkSync(`../${layer}`, shop.at('saved/same/layer.tar'));
    const config = shop.at('saved', image.Config);
    const { rootfs, ...rest } = JSON.parse(readFileSync(config, 'utf8'));
    const ids = [...rootfs.diff_ids, ...rootfs.diff_ids];
    writeFileSync(config, JSON.stringify({ ...rest, rootfs: { ...rootfs, diff_ids: ids } }));
    writeFileSync(file, JSON.stringify([{ ...image, Layers: [layer, 'same/layer.tar'] }]));
    await shop.run('sh', '-c', 'cd saved && tar -cf ../twice.tar *');
    expect(await shop.verify('twice.tar')).toEqual(healthy);
  });

  it('reads a tar as a payload although its first name is that of an image', async () => {
    writeFileSync(join(shop.root, 'manifest.json'), '{"not": "of an image"}');
    await shop.run('tar', '-C', 'root', '-cf', 'payload.tar', 'manifest.json', 'usr');
    expect(await shop.verify('payload.tar')).toEqual(healthy);
  });

  it.each(['not JSON', '{"neither": "index nor manifest"}'])('refuses an image whose manifest is %j', async (text) => {
    const hex = createHash('sha256').update(text).digest('hex');
    writeFileSync(shop.at('oci/blobs/sha256', hex), text);
    writeFileSync(shop.at('oci/index.json'), JSON.stringify({ manifests: [{ digest: `sha256:${hex}` }] }));
    const { status, stderr } = await shop.verify('oci');
    expect(status).toBe(3);
    expect(stderr).toContain(`oci: the image is damaged: blobs/sha256/${hex}`);
    expect(stderr).toMatch(/is not JSON|is neither an index nor the manifest of an image/);
  });

  it.each([
    ['{', 'index.json is not JSON'],
    ['{"manifests": []}', 'index.json: manifests: lists no image'],
    ['{"manifests": [{"digest": "sha256:../../etc/passwd"}]}', 'index.json: manifests.0.digest: must be a SHA-256'],
    [`{"manifests": [{"digest": "sha256:${'0'.repeat(64)}"}]}`, `the manifest sha256:${'0'.repeat(64)} is missing`],
  ])('refuses the index %s', async (text, message) => {
    writeFileSync(shop.at('oci/index.json'), text);
    expect(await shop.verify('oci')).toEqual({
      status: 3,
      stdout: '',
      stderr: `pyclink: error: oci: the image is damaged: ${message}\n`,
    });
  });
});

function blobsIn(layoutDirectory: string): string[] {
  const blobs = join(layoutDirectory, 'blobs/sha256');
  return readdirSync(blobs).map((name) => join(blobs, name));
}

/** The layer: everything else is JSON. */
function largestBlob(layoutDirectory: string): string {
  return blobsIn(layoutDirectory).find((path) => readFileSync(path)[0] !== 0x7b) ?? '';
}

function replaceLayer(blob: string): void {
  const other = Buffer.alloc(10_240);
  writeFileSync(blob, other);
}

/** Puts the blob outside, and a symlink in its place. */
function leadOut(blob: string): void {
  const outside = join(blob, '../../../../outside');
  copyFileSync(blob, outside);
  rmSync(blob);
  symlinkSync(outside, blob);
}

function mediaTypes(layoutDirectory: string): string[] {
  const texts = blobsIn(layoutDirectory).map((path) => readFileSync(path, 'latin1'));
  return texts.flatMap((text) => Array.from(text.matchAll(/"mediaType":"([^"]*)"/g), ([, type = '']) => type));
}

/** Gives the images of an index these platforms, and one name. */
function withPlatforms(layoutDirectory: string, platforms: readonly string[]): void {
  const file = join(layoutDirectory, 'index.json');
  const { manifests } = JSON.parse(readFileSync(file, 'utf8'));
  platforms.forEach((platform, i) => {
    const [os, architecture] = platform.split('/');
    manifests[i] = { ...manifests[i], platform: { os, architecture }, annotations: {} };
  });
  writeFileSync(file, JSON.stringify({ schemaVersion: 2, manifests }));
}

/** The part of a tar with the objects of a repository, or with the names that are links to them. */
async function packed(tar: string, part: 'objects' | 'names'): Promise<Buffer> {
  const script = [
    'import sys, tarfile',
    'with tarfile.open(sys.argv[1]) as whole, tarfile.open(sys.argv[2], "w") as to:',
    '    for member in whole:',
    '        if member.name.startswith("sysroot") == (sys.argv[3] == "objects"):',
    '            to.addfile(member, whole.extractfile(member) if member.isreg() else None)',
  ];
  const file = `${tar}.${part}`;
  await execa(systemPython.executable, ['-c', script.join('\n'), tar, file, part]);
  return readFileSync(file);
}

/** Writes an OCI layout with these layers. */
function layout(path: string, layers: readonly Buffer[]): void {
  mkdirSync(join(path, 'blobs/sha256'), { recursive: true });
  const store = (bytes: Buffer) => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(path, 'blobs/sha256', hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const manifest = store(Buffer.from(JSON.stringify({ layers: layers.map(store) })));
  writeFileSync(join(path, 'index.json'), JSON.stringify({ manifests: [manifest] }));
  writeFileSync(join(path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}
