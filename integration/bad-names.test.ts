import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contentsOf, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import {
  addedBy,
  changesSince,
  expectCompiled,
  expectHealthy,
  healthyAdds,
  healthyText,
  library,
  plantBesideHealthy,
  pycsOf,
  quietBuild,
} from './helpers/healthy.ts';

const oddNames = [
  ['spaces', ' a  b .py'],
  ['single and double quotes', `it's "quoted".py`],
  ['a newline', 'line\nbreak.py'],
  ['newlines at the ends of the stem', '\nline\n.py'],
  ['a leading dash', '-o.py'],
  ['only a flag for a name', '--help.py'],
  ['a tab and an escape sequence', '\t\x1b[31m.py'],
  ['glob characters', '[a-z]*?{b,c}!(d).py'],
  ['backslashes', 'back\\slash\\n.py'],
  ['dollars and percent signs', '$(HOME)`id`%{name}.py'],
  ['a leading dot', '.hidden.py'],
  ['dots inside', 'a.b.opt-1.py'],
  ['two suffixes', 'a.py.py'],
  ['letters outside ASCII', 'naïve-Ω-蛇-🐍.py'],
  ['letters that another normal form would merge', 'e\u0301-é.py'],
] as const;

test.each(oddNames)('a name with %s', async (_, name) => {
  const source = `${library}/odd/${name}`;
  const buildroot = plantBesideHealthy({ [source]: healthyText });
  const before = contentsOf(buildroot);
  expect(await pyclink(quietBuild(buildroot))).toEqual({ status: 0, stdout: '', stderr: '' });
  const added = [...healthyAdds, ...addedBy(source)].sort();
  expect(changesSince(before, buildroot)).toEqual({ added, changed: [], gone: [] });
  await expectCompiled(buildroot, source);
  await expectHealthy(buildroot);
});

test.each(oddNames)('a directory, and a PATH, with %s', async (_, name) => {
  const source = `${library}/${name}.d/m.py`;
  const buildroot = plantBesideHealthy({ [source]: healthyText });
  const before = contentsOf(buildroot);
  const manifest = join(temporaryDirectory(), 'manifest.json');
  const ran = await pyclink(quietBuild(buildroot, '--manifest', manifest, `${library}/${name}.d`, `${library}/kernel`));
  expect(ran).toEqual({ status: 0, stdout: '', stderr: '' });
  const added = [...healthyAdds, ...addedBy(source)].sort();
  expect(changesSince(before, buildroot)).toEqual({ added, changed: [], gone: [] });
  const { linkGroups } = JSON.parse(readFileSync(manifest, 'utf8'));
  expect(linkGroups.map((group: { paths: string[] }) => group.paths)).toContainEqual(pycsOf(source).slice(0, 2).sort());
  await expectCompiled(buildroot, source);
  await expectHealthy(buildroot);
});

test('names that are not UTF-8: each is shown by its bytes, and the rest is compiled', async () => {
  const buildroot = plantBesideHealthy({});
  const odd = join(buildroot, library, 'odd');
  const before = contentsOf(buildroot);
  mkdirSync(odd);
  const at = (name: string) => Buffer.concat([Buffer.from(`${odd}/`), Buffer.from(name, 'latin1')]);
  mkdirSync(at('dir\xfe'));
  for (const name of ['latin\xe9.py', 'cut\xc3.py', 'dir\xfe/m.py']) writeFileSync(at(name), healthyText);
  const ran = await pyclink(quietBuild(buildroot));
  expect(ran).toEqual({
    status: 0,
    stdout: '',
    stderr: ['cut\\xc3.py', 'dir\\xfe/m.py', 'latin\\xe9.py']
      .map((name) => `pyclink: warning: ${library}/odd/${name}: the name is not UTF-8\n`)
      .join(''),
  });
  const namesIn = (directory: Buffer) => readdirSync(directory, 'latin1').sort();
  expect(namesIn(at(''))).toEqual(['cut\xc3.py', 'dir\xfe', 'latin\xe9.py']);
  expect(namesIn(at('dir\xfe'))).toEqual(['m.py']);
  // What is below cannot be named in a string.
  rmSync(odd, { recursive: true });
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, changed: [], gone: [] });
  await expectHealthy(buildroot);
});

test('a file named .py is not a module', async () => {
  const source = `${library}/odd/.py`;
  const buildroot = plantBesideHealthy({ [source]: healthyText });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot));
  expect(ran).toEqual({
    status: 0,
    stdout: '',
    stderr: `pyclink: warning: ${source}: not a Python source: its name is not NAME.py\n`,
  });
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, changed: [], gone: [] });
  await expectHealthy(buildroot);
});

test('a bad source with a newline in its name: the name breaks no line', async () => {
  const source = `${library}/odd/line\nbreak.py`;
  const buildroot = plantBesideHealthy({ [source]: 'a = 1\0\n' });
  const before = contentsOf(buildroot);
  const ran = await pyclink(quietBuild(buildroot));
  const [first, ...rest] = ran.stderr.split('\n');
  expect(first).toBe(`pyclink: error: ${library}/odd/line\\nbreak.py: does not compile`);
  expect(rest.filter((line) => line !== '' && !line.startsWith('    '))).toEqual([]);
  expect(ran.status).toBe(1);
  expect(changesSince(before, buildroot)).toEqual({ added: healthyAdds, changed: [], gone: [] });
  await expectHealthy(buildroot);
});

test('link and restamp name pycs whose names are not UTF-8', async () => {
  const buildroot = plantBesideHealthy({ [`${library}/odd/m.py`]: healthyText });
  await pyclink(quietBuild(buildroot, '--no-link'));
  const directory = Buffer.from(join(buildroot, library, 'odd/__pycache__/'));
  const [first = ''] = readdirSync(directory.toString());
  const odd = Buffer.concat([directory, Buffer.from('bad\xff', 'latin1'), Buffer.from(first.replace(/^m/, ''))]);
  writeFileSync(odd, readFileSync(join(directory.toString(), first)));
  const shown = `${directory}bad\\xff${first.replace(/^m/, '')}`;
  expect(await pyclink(['link', '--buildroot', buildroot])).toMatchObject({
    status: 0,
    stderr: `pyclink: warning: ${shown}: not linked: the name is not UTF-8\n`,
  });
  const ran = await pyclink(['restamp', '--mtime', '0', '--buildroot', buildroot]);
  expect(ran.status).toBe(1);
  expect(ran.stderr).toBe(`pyclink: error: ${shown}: left unchanged, with its source: the name is not UTF-8\n`);
});
