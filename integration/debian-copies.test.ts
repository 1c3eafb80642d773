/** Steps of debian/rules that copy pycs file by file, after dh_pyclink has linked them. */
import { expect, it } from 'vitest';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { buildPackages, debianTools, rules, verifyWords } from './helpers/debian.ts';
import { describeWith } from './helpers/tools.ts';

const install = {
  'debian/shop-app.install': 'debian/tmp/opt/shop opt\n',
  'app/NOTES': 'Nothing to install.\n',
};
const copying = `${rules.addon}
execute_before_dh_install:
\tmkdir -p debian/tmp/opt
\tcp -a app debian/tmp/opt/shop
\tdh_pyclink -pshop-app -Pdebian/tmp /opt/shop

override_dh_install:
\tdh_install -XNOTES

execute_after_dh_pyclink:
\tcp -r debian/python3-shop/usr/lib debian/copy
\trm -r debian/python3-shop/usr/lib
\tmv debian/copy debian/python3-shop/usr/lib
`;
/** What happens where nobody looks. */
const unverified = `${copying}\noverride_dh_pyclink_verify:\n`;
const manifestOf = (name: string) => `debian/.debhelper/generated/${name}/pyclink.json`;
const relinking = `${copying}
execute_before_dh_fixperms:
${['python3-shop', 'shop-app'].map((name) => `\tpyclink relink --manifest ${manifestOf(name)} --buildroot $(CURDIR)/debian/${name}\n`).join('')}`;

const unlinked = (directory: string, name: string, other: string) => {
  const pyc = (suffix: string) => `${directory}/__pycache__/${name}.${systemPython.cacheTag}${suffix}.pyc`;
  return (suffix: string) => `unlinked: ${pyc(suffix)}: not the same file as ${pyc(other)}`;
};

describeWith(debianTools, 'links that a copy broke', () => {
  it('are found by verify in the package', async () => {
    const built = await buildPackages(unverified, '-b', install);
    const opt = (name: string) => ['.opt-2', ''].map(unlinked('/opt/shop', name, '.opt-1'));
    const modules = '/usr/lib/python3/dist-packages/shop';
    for (const [name, expected] of [
      ['python3-shop', [unlinked(modules, '__init__', '.opt-1')(''), unlinked(modules, 'till', '.opt-1')('.opt-2')]],
      ['shop-app', [...opt('extra'), ...opt('main')]],
    ] as const) {
      const ran = await pyclink(verifyWords(built, name));
      expect(ran.stdout.split('\n').slice(0, -2)).toEqual(expected);
      expect(ran.status).toBe(1);
    }
  });

  it('are whole in the package after relink', async () => {
    const built = await buildPackages(relinking, '-b', install);
    for (const [name, links] of [
      ['python3-shop', 2],
      ['shop-app', 4],
    ] as const) {
      const ran = await pyclink(verifyWords(built, name));
      expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/: all as built\n$/) });
      expect(built.log).toContain(`pyclink: 2 link groups, ${links} links restored, 0 refused`);
    }
  });
});
