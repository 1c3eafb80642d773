/** dh_pyclink_verify: what steps behind dh_pyclink change, in real builds. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { buildPackages, control, debianTools, linksIn, rules, verifyWords } from './helpers/debian.ts';
import { describeWith } from './helpers/tools.ts';

const modules = 'usr/lib/python3/dist-packages/shop';
const tree = `debian/python3-shop/${modules}`;
const pyc = (suffix: string) => `__pycache__/till.${systemPython.cacheTag}${suffix}.pyc`;

/** debian/rules with a step behind dh_fixperms. */
const changing = (...lines: string[]) =>
  `${rules.addon}\noverride_dh_installdeb:\n${['dh_installdeb', ...lines].map((line) => `\t${line}\n`).join('')}`;

async function failure(text: string): Promise<string> {
  const error = await buildPackages(text, '-A').then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return String((error as { all?: string } | undefined)?.all);
}

describeWith(debianTools, 'the packages of a source', () => {
  it('are verified in one call', async () => {
    const built = await buildPackages(rules.addon);
    const manifests = Object.keys(built.debs).flatMap((name) => ['--manifest', built.manifest(name)]);
    const [changes = ''] = readdirSync(dirname(built.source)).filter((name) => name.endsWith('.changes'));
    for (const targets of [Object.values(built.debs), [join(dirname(built.source), changes)]]) {
      const { status, stdout } = await pyclink(['verify', ...manifests, ...targets]);
      expect({ status, stdout }).toEqual({ status: 0, stdout: 'pyclink: 12 pycs, 4 link groups: all as built\n' });
    }
  });

  it('are built without pycs under the build profile that leaves the sequence out', async () => {
    const named = control.replace(
      'dh-python, python3',
      'dh-sequence-python3, python3, dh-sequence-pyclink <!nopyclink>',
    );
    const text = rules.addon.replace(' --with python3,pyclink', '');
    const files = { 'debian/control': named };
    expect(
      Object.keys(await linksIn((await buildPackages(text, '-A', files)).debs['python3-shop'] as string)),
    ).toHaveLength(2);
    const { log } = await buildPackages(text, '-A', files, { words: ['-Pnopyclink'] });
    expect(log).toContain('   dh_fixperms');
    expect(log).not.toContain('dh_pyclink');
  });
});

describeWith(debianTools, 'the last step of a build', () => {
  it.each([
    ['dh_fixperms -X leaves alone', 'override_dh_fixperms:\n\tdh_fixperms -Xsettings.py\n'],
    ['chmod takes away', `execute_after_dh_fixperms:\n\tchmod 600 debian/shop-app/usr/share/shop-app/settings.py\n`],
  ])('makes pycs readable by no more users than the source that %s', async (_, step) => {
    const built = await buildPackages(`${rules.addon}\n${step}`, '-B', {
      'debian/shop-app.install': 'app/*.py usr/share/shop-app\n',
      'app/settings.py': { content: 'password = "secret"\n', mode: 0o600 },
    });
    const deb = built.debs['shop-app'] as string;
    const { stdout } = await execa('dpkg-deb', ['--contents', deb]);
    const modes = [...stdout.matchAll(/^.(\S+) .* \.(\/\S*\.pyc?)(?: link to .*)?$/gm)];
    const ofSettings = (one: RegExpMatchArray) => one[2]?.includes('/settings.') === true;
    const modesOf = (some: readonly RegExpMatchArray[]) => new Set(some.map(([, mode]) => mode));
    expect(modes.filter(ofSettings)).toHaveLength(4);
    expect(modesOf(modes.filter(ofSettings))).toEqual(new Set(['rw-------']));
    expect(modesOf(modes.filter((one) => !ofSettings(one)))).toEqual(new Set(['rw-r--r--']));
    expect(built.log).toContain('shop-app: 3 pycs readable by more users than their sources: modes narrowed');
    expect((await pyclink(verifyWords(built, 'shop-app'))).stdout).toMatch(/: all as built\n$/);
  });

  it.each([
    ['stale', `sed -i s/total/amount/ ${tree}/till.py`, '.opt-1'],
    ['source-changed', `sed -i s/total/tatol/ ${tree}/till.py`, '.opt-1'],
    ['damaged', `echo >> ${join(tree, pyc('.opt-1'))}`, '.opt-1'],
    ['unlinked', `cp --remove-destination ${tree}/${pyc('.opt-1')} ${tree}/${pyc('.opt-2')}`, '.opt-2'],
  ])('fails where a pyc has become %s', async (kind, line, suffix) => {
    const log = await failure(changing(line));
    expect(log).toContain(`${kind}: /${modules}/${pyc(suffix)}: `);
    expect(log).toContain('pyclink: error: python3-shop: pycs or their sources changed after dh_pyclink');
    expect(log).toContain('hint: call dh_pyclink again after the step that changed them');
  });

  it('passes if dh_pyclink is called again, and can be turned off', async () => {
    const edit = `sed -i s/total/amount/ ${tree}/till.py`;
    const again = await buildPackages(changing(edit, 'dh_pyclink'), '-A');
    expect((await pyclink(verifyWords(again, 'python3-shop'))).stdout).toMatch(/: all as built\n$/);
    const unverified = await buildPackages(`${changing(edit)}\noverride_dh_pyclink_verify:\n`, '-A');
    expect((await pyclink(verifyWords(unverified, 'python3-shop'))).stdout).toContain(`stale: /${modules}/${pyc('')}`);
  });
});
