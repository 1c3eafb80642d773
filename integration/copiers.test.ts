/** Which copies of a tree keep the links in it, and that relink restores them: the table in docs/images.md. */
import { appendFileSync, lstatSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { linkGroupsIn, plant, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { pycsOf } from './helpers/healthy.ts';
import { erofsKeepsLinks, page } from './helpers/images-page.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

/** What people type, whether the links are still there, and whether the mtimes are. */
const copiers: Readonly<Record<string, readonly [script: string, links: boolean | 'from 1.7', mtimes: boolean]>> = {
  'cp -r': ['cp -r from to', false, false],
  'cp -a': ['cp -a from to', true, true],
  'rsync -a': ['rsync -a from/ to', false, true],
  'rsync -aH': ['rsync -aH from/ to', true, true],
  tar: ['tar -C from -cf tree.tar . && mkdir to && tar -C to -xf tree.tar', true, true],
  'cpio -p': ['mkdir to && cd from && find . | cpio --quiet -pdm ../to', true, true],
  'cpio -i': [
    '(cd from && find . | cpio --quiet -o -H newc) > it && mkdir to && cd to && cpio --quiet -id < ../it',
    true,
    false,
  ],
  'cpio -im': [
    '(cd from && find . | cpio --quiet -o -H newc) > it && mkdir to && cd to && cpio --quiet -idm < ../it',
    true,
    true,
  ],
  zip: ['cd from && zip -qr ../tree.zip . && unzip -q ../tree.zip -d ../to', false, true],
  'zip -X': ['cd from && zip -qrX ../tree.zip . && unzip -q ../tree.zip -d ../to', false, false],
  squashfs: ['mksquashfs from tree -quiet -no-progress && unsquashfs -q -n -d to tree', true, true],
  erofs: ['mkfs.erofs tree from && fsck.erofs --extract=to tree', 'from 1.7', true],
  'install -p': ['cd from && find . -type f -exec install -pD {} ../to/{} ";"', false, true],
  'ostree bare': [
    'ostree --repo=repo init --mode=bare-user-only && ostree --repo=repo commit -b main from && ostree --repo=repo checkout -U main to',
    true,
    false,
  ],
};

describeWith(missingTools('rsync', 'cpio', 'zip', 'unzip', 'ostree', 'mksquashfs', 'mkfs.erofs'), 'a copy by', () => {
  it.each(Object.entries(copiers))('%s', async (name, [script, links, keepsMtimes]) => {
    const keepsLinks = links === 'from 1.7' ? erofsKeepsLinks() : links;
    const top = temporaryDirectory();
    const [from, manifest] = [join(top, 'from'), join(top, 'manifest.json')];
    mkdirSync(from);
    plant(from, { 'app/till.py': { content: 'total = 0\n', mtime: 1_600_000_001 } });
    await pyclink(['build', '-q', '--buildroot', from, '/app', '--manifest', manifest]);
    expect(linkGroupsIn(from).map((group) => group.length)).toEqual([3]);
    await execa('sh', ['-e', '-c', script], { cwd: top });
    const to = join(top, 'to');
    expect(linkGroupsIn(to).map((group) => group.length)).toEqual(keepsLinks ? [3] : [1, 1, 1]);
    expect(lstatSync(join(to, 'app/till.py')).mtimeMs === 1_600_000_001_000).toBe(keepsMtimes);
    expect(await pyclink(['relink', '--manifest', manifest, '--buildroot', to])).toMatchObject({ status: 0 });
    expect(linkGroupsIn(to).map((group) => group.length)).toEqual([3]);
    const inWords = (answer: typeof links) => (typeof answer === 'string' ? answer : answer ? 'yes' : 'no');
    expect(page.split('\n')).toContain(`| \`${name}\` | ${inWords(links)} | ${inWords(keepsMtimes)} |`);
  });
});

it('relink names the pyc whose content changed, and links the others', async () => {
  const buildroot = plantBuildroot({ '/app/till.py': 'total = 0\n' });
  const manifest = join(buildroot, '../manifest.json');
  await pyclink(['build', '-q', '--buildroot', buildroot, '/app', '--manifest', manifest]);
  const [, first, second] = pycsOf('/app/till.py') as [string, string, string];
  const [original, copy] = [join(buildroot, first), join(buildroot, 'copy')];
  await execa('cp', [original, copy]);
  renameSync(copy, original);
  appendFileSync(original, 'x');
  const ran = await pyclink(['relink', '--manifest', manifest, '--buildroot', buildroot]);
  const message = `${first}: not relinked: its content differs from that of ${second}`;
  expect(ran).toMatchObject({ status: 1, stderr: `pyclink: error: ${message}\n` });
  expect(linkGroupsIn(buildroot).map((group) => group.length)).toEqual([1, 2]);
});
