import { lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import type { PayloadPath } from '../../src/files/path.ts';
import { listInRecords } from '../../src/manifest/distribution-record.ts';
import type { PycRecord } from '../../src/manifest/schema.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';
import { meanwhile } from '../helpers/meanwhile.ts';

vi.mock(import('../../src/files/attributes.ts'), async (load) => {
  const { editedMeanwhile } = await import('../helpers/meanwhile.ts');
  return editedMeanwhile(await load());
});

afterEach(() => {
  meanwhile.edit = () => {};
});

const pyc = '__pycache__/a.cpython-311.pyc';
const records = [{ source: '/site/a.py', paths: [`/site/${pyc}` as PayloadPath] }] as unknown as PycRecord[];

/** @param record the content of the RECORD */
function planted(record: string | Buffer) {
  const information = 'site/shop-1.0.dist-info';
  const root = plantBuildroot({ [`${information}/INSTALLER`]: 'pip\n', [`${information}/RECORD`]: '' });
  const file = join(root, information, 'RECORD');
  writeFileSync(file, record);
  const list = (gone?: ReadonlySet<PayloadPath>) => listInRecords(openTree(root), records, gone);
  return { file, list };
}

describe('listInRecords', () => {
  it.each([
    ['a.py,,\n', ''],
    ['a.py,,\r\n"b.py",,', '\r\n'],
  ])('keeps the bytes of %j, also names that are not UTF-8', (text, end) => {
    const before = Buffer.concat([Buffer.from('caf\xe9.py,,\n', 'latin1'), Buffer.from(text)]);
    const { file, list } = planted(before);
    expect(list()).toEqual([]);
    const added = `${end}${pyc},,${text.includes('\r') ? '\r' : ''}\n`;
    expect(readFileSync(file)).toEqual(Buffer.concat([before, Buffer.from(added)]));
  });

  it.each([
    ['a.py,,\nb.py,,\n', `b.py,,\n${pyc},,\n`],
    ['b.py,,\n"a.py",sha256=x,1', `b.py,,\n${pyc},,\n`],
    ['caf\xe9.py,,\r\na.py\r\n', `caf\xe9.py,,\r\n${pyc},,\r\n`],
    [`"odd\na.py",,\na.py,,\n${pyc},,\n`, `"odd\na.py",,\n${pyc},,\n`],
  ])('removes the lines of removed sources from %j', (before, after) => {
    const { file, list } = planted(Buffer.from(before, 'latin1'));
    expect(list(new Set(['/site/a.py' as PayloadPath]))).toEqual([]);
    expect(readFileSync(file, 'latin1')).toBe(after);
  });

  it.each([
    ['pip\n', true],
    ['uv', true],
    ['Poetry 2.1.3', true],
    ['pdm\n', true],
    ['rpm\n', false],
    ['conda', false],
    ['gpep517\n', false],
    ['pipe', false],
    ['', false],
    // As of Debian's packages, and of pypa/installer.
    [undefined, false],
  ])('changes a RECORD if INSTALLER is %j: %j', (installer, isChanged) => {
    const { file, list } = planted('a.py,,\n__pycache__/a.cpython-311.opt-1.pyc,,\n');
    const before = readFileSync(file, 'utf8');
    if (installer === undefined) rmSync(join(file, '../INSTALLER'));
    else writeFileSync(join(file, '../INSTALLER'), installer);
    expect(list(new Set(['/site/__pycache__/a.cpython-311.opt-1.pyc' as PayloadPath]))).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe(isChanged ? `a.py,,\n${pyc},,\n` : before);
  });

  it('keeps what another program has added concurrently', () => {
    const { file, list } = planted('a.py,,\n');
    meanwhile.edit = () => {
      meanwhile.edit = () => {};
      writeFileSync(file, 'b.py,,\n', { flag: 'a' });
    };
    expect(list()).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe(`a.py,,\nb.py,,\n${pyc},,\n`);
    const { ino } = lstatSync(file);
    expect(list()).toEqual([]);
    expect(lstatSync(file).ino).toBe(ino);
  });
});
