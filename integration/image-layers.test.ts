/** Layers of some size, and layers whose paths go through a symlink of a lower one: umoci puts them where it leads. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { plant } from '../test/helpers/buildroot.ts';
import { builtShop, directory, healthy, type Shop, tarOf, verifyShop } from './helpers/shop.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const type = 'application/vnd.oci.image';

/** An OCI layout with these layers. */
function imageOf(shop: Shop, layers: readonly string[]): string {
  const image = shop.beside('image');
  mkdirSync(join(image, 'blobs/sha256'), { recursive: true });
  const blob = (content: Buffer, mediaType: string) => {
    const hash = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(image, 'blobs/sha256', hash), content);
    return { mediaType: `${type}.${mediaType}`, digest: `sha256:${hash}`, size: content.length };
  };
  const json = (value: object) => Buffer.from(JSON.stringify(value));
  const blobs = layers.map((layer) => blob(readFileSync(layer), 'layer.v1.tar'));
  const rootfs = { type: 'layers', diff_ids: blobs.map(({ digest }) => digest) };
  const config = blob(json({ os: 'linux', architecture: 'amd64', config: {}, rootfs }), 'config.v1+json');
  const manifest = blob(json({ schemaVersion: 2, config, layers: blobs }), 'manifest.v1+json');
  const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
  writeFileSync(join(image, 'index.json'), json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  writeFileSync(join(image, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  return image;
}

describeWith(missingTools('umoci'), 'a layer with a path through a symlink', () => {
  it.each([
    ['replaces the file where it leads', false, /^stale: \S+till\S+pyc: .*: layer 2 of 2 \S+ wrote its source$/m],
    ['replaces the symlink, if it has its directory', true, /all as built/],
  ])('%s', async (_, hasDirectory, expected) => {
    const shop = await builtShop();
    symlinkSync('usr/lib', join(shop.buildroot, 'lib'));
    const base = await tarOf(shop, 'base.tar', 'usr', 'lib');
    const upper = shop.beside('upper');
    const source = `${directory.replace('/usr', '')}/till.py`;
    plant(upper, { [source]: 'total = 1  # more\n' });
    const members = hasDirectory ? ['lib'] : [source.slice(1)];
    await execa('tar', ['-cf', shop.beside('upper.tar'), '-C', upper, ...members]);
    const image = imageOf(shop, [base, shop.beside('upper.tar')]);
    await execa('umoci', ['unpack', '--rootless', '--image', `${image}:latest`, shop.beside('unpacked')]);
    const { stdout: ofTree, status } = await verifyShop(shop, shop.beside('unpacked/rootfs'));
    const ofImage = await verifyShop(shop, image);
    expect(ofImage.stdout).toMatch(expected);
    const kinds = (report: string) => report.split('\n').map((line) => line.split(':').slice(0, 2).join(':'));
    expect(kinds(ofImage.stdout)).toEqual(kinds(ofTree));
    expect(ofImage.status).toBe(status);
  });
});

describe('a source that is a symlink to a program of a lower layer', () => {
  it.each([
    ['total = 0\n', 'all as built'],
    ['total = 1\n', 'source-changed'],
  ])('is read: %j', async (content, expected) => {
    const shop = await builtShop();
    const source = join(shop.buildroot, directory, 'till.py');
    plant(shop.buildroot, { 'usr/share/till': { content, mtime: 1_600_000_000 } });
    rmSync(source);
    symlinkSync('../../../share/till', source);
    const layers = [await tarOf(shop, 'lower.tar', 'usr/share'), await tarOf(shop, 'upper.tar', 'usr/lib')];
    expect((await verifyShop(shop, imageOf(shop, layers))).stdout).toContain(expected);
  });
});

describe('an OCI archive', () => {
  it.each([100_000, 1_000_000, 5_000_000])('with a layer of more than %d bytes is read', async (sizeBytes) => {
    const shop = await builtShop();
    plant(shop.buildroot, { 'usr/share/random': Buffer.alloc(sizeBytes, 'x') });
    const image = imageOf(shop, [await tarOf(shop, 'layer.tar', 'usr')]);
    const file = shop.beside('image.tar');
    await execa('tar', ['-cf', file, '-C', image, 'oci-layout', 'blobs', 'index.json']);
    expect(await verifyShop(shop, file)).toEqual(healthy);
    writeFileSync(file, readFileSync(file).subarray(0, sizeBytes / 2));
    const ran = await verifyShop(shop, file);
    expect(ran.stderr).toContain('Unexpected end of data');
    expect(ran).toMatchObject({ status: 3, stdout: '' });
  });
});
