/** Files to write that would overwrite each other, or cannot be written: said before anything is touched, or in one line. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, it, test } from 'vitest';
import { contentsOf, plant, plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { bundle, pyclink } from '../test/helpers/pyclink.ts';
import { debianTools, installedSource } from './helpers/debian.ts';
import { changesSince, expectHealthy, library, plantBesideHealthy, quietBuild } from './helpers/healthy.ts';
import { describeWhere, describeWith, lackingAbilities, missingRoot } from './helpers/tools.ts';

const untouched = { added: [], changed: [], gone: [] };
const usage = (stderr: string) => ({ status: 2, stdout: '', stderr: `pyclink: error: ${stderr}` });

/** The outputs of build, each at FILE. */
const outputs = [
  ['--manifest', ['--manifest', 'FILE']],
  ['--filelist', ['--filelist', 'FILE']],
  ['--filelist-for /usr/**', ['--filelist-for', '/usr/**=FILE']],
  ['--html', ['--html', 'FILE']],
] as const;
const pairs = outputs.flatMap((one, i) => outputs.slice(i + 1).map((other) => [one, other] as const));
const twoLists = [outputs[2], ['--filelist-for /b/**', ['--filelist-for', '/b/**=FILE']]] as const;

/** Other names of AROUND/out. */
const names = ['out', './out', 'directory/../out', 'link/out', '../NAME/out'];

test.each([...pairs, twoLists])('%j and %j are the same file: exit status 2', async ([one, first], [other, second]) => {
  const buildroot = plantBesideHealthy({});
  const around = dirname(buildroot);
  mkdirSync(join(around, 'directory'));
  symlinkSync('.', join(around, 'link'));
  const before = contentsOf(around);
  for (const name of names) {
    const file = `${around}/${name.replace('NAME', around.replace(/.*\//, ''))}`;
    const args = [...first.map((word) => word.replace('FILE', `${around}/out`)), ...second].map((word) =>
      word.replace('FILE', file),
    );
    const ran = await pyclink(quietBuild(buildroot, ...args));
    expect(ran).toEqual(usage(`${around}/out: ${other} is the same file as ${one}\n`));
  }
  expect(changesSince(before, around)).toEqual(untouched);
});

test('a list that is empty because its pattern matches nothing is reported: rpm refuses it', async () => {
  const buildroot = plantBesideHealthy({});
  const [own, none] = ['own', 'none'].map((name) => join(dirname(buildroot), name));
  const lists = ['--filelist-for', `${library}/**=${own}`, '--filelist-for', `*/nomatch=${none}`];
  const stderr = `pyclink: warning: ${none}: empty: no compiled source matches */nomatch\n`;
  expect(await pyclink(quietBuild(buildroot, ...lists))).toEqual({ status: 0, stdout: '', stderr });
  expect(readFileSync(`${none}`, 'utf8')).toBe('');
  expect(readFileSync(`${own}`, 'utf8')).toContain('.pyc');
});

test('different files with one name in different directories are all written', async () => {
  const buildroot = plantBesideHealthy({});
  const around = dirname(buildroot);
  const files = ['a', 'b', 'c', 'd'].map((name) => {
    mkdirSync(join(around, name));
    return join(around, name, 'out');
  });
  const args = outputs.flatMap(([, [flag, value]], i) => [flag, value.replace('FILE', files[i] as string)]);
  expect(await pyclink(quietBuild(buildroot, ...args))).toMatchObject({ status: 0, stderr: '' });
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
});

test.each([
  ['build', '--manifest', 'build --buildroot TREE'],
  ['build', '--filelist', 'build --buildroot TREE'],
  ['build', '--html', 'build --buildroot TREE'],
  ['verify', '--html', 'verify --manifest MANIFEST TREE'],
  ['relink', '--manifest', 'relink --buildroot TREE'],
  ['restamp', '--manifest', 'restamp --buildroot TREE --mtime 1'],
  ['audit', '--html', 'audit TREE'],
  ['audit', '--baseline', 'audit TREE'],
  ['brp', '--manifest', 'brp py-byte-compile', '-- python3 TREE'],
  ['brp', '--html', 'brp py-byte-compile', '-- python3 TREE'],
])('%s with %s twice: exit status 2', async (_, option, call, behind = '') => {
  const buildroot = plantBesideHealthy({});
  const around = dirname(buildroot);
  const manifest = join(around, 'm.json');
  expect((await pyclink(quietBuild(buildroot, '--manifest', manifest))).status).toBe(0);
  const before = contentsOf(around);
  const wordsOf = (text: string) =>
    text.split(' ').map((word) => word.replace('TREE', buildroot).replace('MANIFEST', manifest));
  const rest = behind === '' ? [] : wordsOf(behind);
  const [one, other] = [join(around, 'one'), join(around, 'other')];
  const ran = await pyclink([...wordsOf(call), option, one, option, other, ...rest], {
    env: { RPM_BUILD_ROOT: buildroot },
  });
  expect(ran).toEqual(usage(`${option}: given twice, as ${one} and ${other}\n`));
  expect(changesSince(before, around)).toEqual(untouched);
});

test.each([
  ['build', 'build --quiet --buildroot TREE --manifest FILE'],
  ['build', 'build --quiet --buildroot TREE --filelist FILE'],
  ['build', 'build --quiet --buildroot TREE --html FILE'],
  ['link', 'link --buildroot TREE --manifest FILE'],
  ['audit', 'audit TREE --html FILE'],
])('%s does not write over the file that its standard output is: %s', async (_, call) => {
  const buildroot = plantBesideHealthy({});
  const printed = join(buildroot, '../printed');
  writeFileSync(printed, 'kept\n');
  const command = `${process.execPath} ${bundle} ${call.replace('TREE', buildroot)} >>${printed}`;
  for (const file of ['/dev/stdout', printed, `/dev/stderr 2>>${printed}`]) {
    const ran = await execa('sh', ['-c', command.replace('FILE', file)], { reject: false });
    expect(ran.exitCode).toBe(2);
    expect(readFileSync(printed, 'utf8') + ran.stderr).toMatch(/is the file that standard output or the log goes to$/m);
    expect(readFileSync(printed, 'utf8')).toMatch(/^kept\n/);
  }
  const piped = await execa('sh', ['-c', command.replace('FILE', '/dev/stdout').replace('>>', '| cat >>')]);
  expect(piped.stderr).toContain('/dev/stdout: is not a regular file');
});

test('restamp writes the manifest that a symlink leads to', async () => {
  const buildroot = plantBesideHealthy({});
  const around = dirname(buildroot);
  mkdirSync(join(around, 'store'));
  symlinkSync('store/real.json', join(around, 'm.json'));
  expect((await pyclink(quietBuild(buildroot, '--manifest', join(around, 'm.json')))).status).toBe(0);
  chmodSync(join(around, 'store/real.json'), 0o600);
  const args = ['--buildroot', buildroot, '--mtime', '5', '--manifest', join(around, 'm.json')];
  expect((await pyclink(['restamp', ...args])).status).toBe(0);
  expect(readlinkSync(join(around, 'm.json'))).toBe('store/real.json');
  expect(lstatSync(join(around, 'store/real.json')).mode & 0o777).toBe(0o600);
  const verified = await pyclink(['verify', '--manifest', join(around, 'store/real.json'), buildroot]);
  expect(verified.status).toBe(0);
});

test('the last value counts for an option that is not a file', async () => {
  const buildroot = plantBesideHealthy({});
  const ran = await pyclink(['build', '--buildroot', '/none', '--buildroot', buildroot, '-j2', '-j', '1', '-q', '-q']);
  expect(ran).toMatchObject({ status: 0, stderr: '' });
  await expectHealthy(buildroot);
});

test.each([
  [
    'verify',
    (manifest: string, buildroot: string) => ['verify', '--manifest', manifest, '--html', manifest, buildroot],
  ],
  ['audit', (baseline: string, buildroot: string) => ['audit', '--baseline', baseline, '--html', baseline, buildroot]],
  ['audit', (target: string) => ['audit', '--html', target, target]],
])('%s does not write a page over a file that it reads', async (_, call) => {
  const buildroot = plantBesideHealthy({});
  const around = dirname(buildroot);
  const file = join(around, 'm.json');
  expect((await pyclink(quietBuild(buildroot, '--manifest', file))).status).toBe(0);
  if (call(file, '').includes('--baseline')) plant(around, { '/m.json': '{"findings": []}' });
  const before = contentsOf(around);
  expect(await pyclink(call(file, buildroot))).toEqual(usage(`${file}: --html is the same file as ${file}\n`));
  expect(changesSince(before, around)).toEqual(untouched);
});

test('brp refuses a file that two builds would write one after the other', async () => {
  const buildroot = plantBesideHealthy({ '/opt/m.py': 'x = 1\n' });
  const list = join(buildroot, '../list');
  const call = ['brp', 'bytecompile', '--filelist', list, '/opt', '--', '', '', '', ''];
  const ran = await pyclink(call, { env: { RPM_BUILD_ROOT: buildroot } });
  const hint = '    hint: use %pyclink_manifest, which collects all of them\n';
  expect(ran).toEqual(
    usage(`${list}: several builds would write this file, and it would hold only the last one\n${hint}`),
  );
  expect(existsSync(join(buildroot, library, 'kernel/__pycache__'))).toBe(false);
});

describeWith(debianTools, 'dh_pyclink', () => {
  it.each([
    ['--manifest', 'dh_pyclink: --manifest: each package has its own manifest'],
    ['--filelist', 'dh_pyclink: --filelist: python3-shop, shop-app would overwrite one file'],
    ['--html', 'dh_pyclink: --html: python3-shop, shop-app would overwrite one file'],
  ])('refuses %s for all packages', async (option, complaint) => {
    const { source, dhPyclink } = await installedSource();
    const before = contentsOf(source);
    const ran = await dhPyclink(['--', option, join(source, '../out')]);
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining(complaint) });
    expect(changesSince(before, source)).toEqual(untouched);
    const one = option === '--manifest' ? [] : ['--', option, join(source, '../out')];
    expect(await dhPyclink(['-pshop-app', ...one])).toMatchObject({ status: 0, stderr: '' });
  });
});

test.each(['--manifest', '--filelist', '--html'])(
  '%s /dev/full: exit status 2, and nothing is touched',
  async (option) => {
    const buildroot = plantBuildroot({ '/usr/lib/python3/dist-packages/m.py': 'x = 1\n' });
    const before = contentsOf(buildroot);
    expect(await pyclink(quietBuild(buildroot, option, '/dev/full'))).toEqual(
      usage('/dev/full: is not a regular file\n'),
    );
    expect(contentsOf(buildroot)).toEqual(before);
  },
);

describeWhere([...missingRoot(), ...lackingAbilities('mounts')], 'on a read-only or full file system', () => {
  it.each(['--manifest', '--filelist', '--html'])('%s is refused before anything is touched', async (option) => {
    const buildroot = plantBuildroot({ '/usr/lib/python3/dist-packages/m.py': 'x = 1\n' });
    const [before, place] = [contentsOf(buildroot), temporaryDirectory()];
    await execa('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', place]);
    try {
      const file = join(place, 'out');
      expect(await pyclink(quietBuild(buildroot, option, file))).toEqual(
        usage(`${file}: its directory cannot be used (EROFS)\n`),
      );
    } finally {
      await execa('umount', [place]);
    }
    expect(contentsOf(buildroot)).toEqual(before);
  });

  it.each(['--manifest', '--filelist', '--html'])('%s is not written, the old file stays, status 3', async (option) => {
    const buildroot = plantBesideHealthy({});
    const place = join(buildroot, '../full');
    mkdirSync(place);
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', place]);
    try {
      const file = join(place, 'out');
      writeFileSync(file, 'old');
      expect(() => writeFileSync(join(place, 'filler'), Buffer.alloc(100_000))).toThrow('ENOSPC');
      const ran = await pyclink(quietBuild(buildroot, option, file));
      expect(ran).toEqual({
        status: 3,
        stdout: '',
        stderr: `pyclink: error: ${file}: cannot be written (ENOSPC)\n`,
      });
      expect(readdirSync(place).sort()).toEqual(['filler', 'out']);
      expect(readFileSync(file, 'utf8')).toBe('old');
    } finally {
      await execa('umount', [place]);
    }
    await expectHealthy(buildroot);
  });
});
