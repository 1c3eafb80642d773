/** What dh hands down to dh_pyclink reaches the bundle: the words are parted by a control character. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { plantBuildroot } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

describeWith(missingTools('dh_listpackages'), 'DH_INTERNAL_OPTIONS', () => {
  it('are read word by word', async () => {
    const library = '/debian/shop/usr/lib/python3/dist-packages/shop';
    const source = plantBuildroot({
      '/debian/control': 'Source: shop\nMaintainer: A <a@example.org>\n\nPackage: shop\nArchitecture: all\n',
      [`${library}/till.py`]: '',
      [`${library}/tests/test_till.py`]: '',
    });
    const env = { DH_INTERNAL_OPTIONS: '-v\x1e-Xtests', SOURCE_DATE_EPOCH: '1800000000' };
    const { status, stdout, stderr } = await pyclink(['dh'], { cwd: source, env });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('\tpyclink build --buildroot ');
    const pyc = (module: string) =>
      join(source, library, module.replace(/([^/]*)$/, `__pycache__/$1.${systemPython.cacheTag}.pyc`));
    expect(existsSync(pyc('till'))).toBe(true);
    expect(existsSync(pyc('tests/test_till'))).toBe(false);
  });
});
