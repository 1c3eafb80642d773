/** Faults that public bug reports describe, each from a real build as people run it, and found by audit. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { buildPackages, debianTools, rulesWithoutPyclink } from './helpers/debian.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const python = systemPython.executable;
const tag = systemPython.cacheTag;
const site = `/usr/lib/python${systemPython.minor}/site-packages`;
const compileall = `PYTHONDONTWRITEBYTECODE= ${python} -m compileall -q --invalidation-mode timestamp`;

/** What audit finds, without what every build by compileall has. */
async function found(...targets: string[]): Promise<string[]> {
  const { stdout } = await pyclink([
    'audit',
    '--json',
    '--ignore',
    'unreproducible',
    '--ignore',
    'unlinked',
    ...targets,
  ]);
  const { findings } = JSON.parse(stdout) as { findings: { kind: string; path: string; detail: string }[] };
  return findings.map(({ kind, path, detail }) => `${kind} ${path}: ${detail}`);
}

/** Builds a spec with this %install script and %files; clamps mtimes as Fedora does. */
async function rpmsOf(install: string, files = '\n/usr', more = ''): Promise<string[]> {
  const work = temporaryDirectory();
  const planted = plantBuildroot({
    [`${site}/shop/__init__.py`]: { content: '', mtime: 1_700_000_000 },
    [`${site}/shop/till.py`]: { content: 'def pay(total):\n    return total\n', mtime: 1_700_000_000 },
  });
  const head = 'Name: shop\nVersion: 1\nRelease: 1\nSummary: Shop\nLicense: MIT\nBuildArch: noarch\n';
  const body = `%description\nShop.\n${more}%install\ncp -a ${planted}/. %{buildroot}\n${install}\n%files${files}\n`;
  writeFileSync(join(work, 'shop.spec'), head + body);
  const macros = {
    _topdir: work,
    __os_install_post: '%{nil}',
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
  };
  const defines = Object.entries(macros).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  await execa('rpmbuild', ['-bb', ...defines, join(work, 'shop.spec')], { env: { SOURCE_DATE_EPOCH: '1600000000' } });
  const { stdout } = await execa('find', [join(work, 'RPMS'), '-name', '*.rpm']);
  return stdout.split('\n').sort();
}

const pyc = (module: string, level = '') => `${site}/shop/__pycache__/${module}.${tag}${level}.pyc`;

describeWith(missingTools('rpmbuild', 'rpm2archive'), 'from rpmbuild', () => {
  it('sources that rpm clamped after they were compiled', async () => {
    const rpms = await rpmsOf(`${compileall} -s %{buildroot} -p / %{buildroot}/usr`);
    expect(await found(...rpms)).toEqual(
      ['__init__', 'till'].map(
        (module) =>
          `never-loaded ${pyc(module)}: it records mtime 2023-11-14T22:13:20Z, the source has 2020-09-13T12:26:40Z`,
      ),
    );
  });

  it('the buildroot in tracebacks', async () => {
    const rpms = await rpmsOf(`touch -d @1 %{buildroot}${site}/shop/*.py\n${compileall} %{buildroot}/usr`);
    for (const finding of await found(...rpms)) {
      expect(finding).toMatch(/^leaks-path .*: it records \/.*\/BUILDROOT\/.*\/shop\/(?:till|__init__)\.py$/);
    }
    expect(await found(...rpms)).toHaveLength(2);
  });

  it('pycs of the Python before an upgrade', async () => {
    const move = `mv %{buildroot}/usr/lib/python${systemPython.minor} %{buildroot}/usr/lib/python3.99`;
    const touch = `touch -d @1 %{buildroot}${site}/shop/*.py`;
    const rpms = await rpmsOf(`${touch}\n${compileall} -s %{buildroot} -p / %{buildroot}/usr\n${move}`);
    expect((await found('--only', 'foreign', ...rpms)).map((line) => line.replace(/.*: /, ''))).toEqual(
      Array.from({ length: 2 }, () => `python3.99 does not read the pycs of ${tag}`),
    );
  });

  it('level 1 of some modules only', async () => {
    const more = ['a', 'b'].map((name) => `cp %{buildroot}${site}/shop/till.py %{buildroot}${site}/shop/${name}.py`);
    const both = `${compileall} -s %{buildroot} -p / -o 0 -o 1 %{buildroot}${site}/shop/[abt]*.py`;
    const one = `${compileall} -s %{buildroot} -p / %{buildroot}/usr`;
    const touch = `touch -d @1 %{buildroot}${site}/shop/*.py`;
    expect(await found(...(await rpmsOf([...more, touch, both, one].join('\n'))))).toEqual([
      `missing-level ${pyc('__init__', '.opt-1')}: 3 of 4 modules of the package have level 1`,
    ]);
  });

  it('level 1 of one of two modules, which is not intended', async () => {
    const both = `${compileall} -s %{buildroot} -p / -o 0 -o 1 %{buildroot}${site}/shop/till.py`;
    const one = `${compileall} -s %{buildroot} -p / %{buildroot}/usr`;
    expect(await found(...(await rpmsOf(`touch -d @1 %{buildroot}${site}/shop/*.py\n${both}\n${one}`)))).toEqual([]);
  });

  it('a .pyo of an old Python', async () => {
    const compile = `${compileall} -s %{buildroot} -p / -o 0 -o 1 %{buildroot}/usr`;
    const copy = `cp -a %{buildroot}${pyc('till', '.opt-1')} %{buildroot}${site}/shop/till.pyo`;
    const rpms = await rpmsOf(`touch -d @1 %{buildroot}${site}/shop/*.py\n${compile}\n${copy}`);
    expect(await found(...rpms)).toEqual([`orphan ${site}/shop/till.pyo: Python 3.5 and later do not read .pyo files`]);
  });

  it('a __pycache__ that two packages have, whose sources are in one of them each', async () => {
    const extra = `\n%files extra\n${site}/shop/till.py\n${site}/shop/__pycache__\n`;
    const files = `\n${site}/shop/__init__.py\n${site}/shop/__pycache__${extra}`;
    const compile = `${compileall} -s %{buildroot} -p / %{buildroot}/usr`;
    const more = '%package extra\nSummary: Extra\n%description extra\nExtra.\n';
    const rpms = await rpmsOf(`touch -d @1 %{buildroot}${site}/shop/*.py\n${compile}`, files, more);
    expect(await found(...rpms)).toEqual([]);
  });
});

describeWith(debianTools, 'from dpkg-buildpackage', () => {
  it('sources that dpkg-deb clamped after they were compiled', async () => {
    const rules = `${rulesWithoutPyclink}\noverride_dh_builddeb:\n\t${compileall} -s debian/shop-app -p / debian/shop-app/usr/lib\n\tdh_builddeb\n`;
    const { debs } = await buildPackages(rules, '-B', { 'app/extra.py': { content: 'a = 1\n', mtime: 1_750_000_000 } });
    expect(await found(debs['shop-app'] ?? '')).toEqual([
      `never-loaded /usr/lib/elsewhere/__pycache__/extra.${tag}.pyc: it records mtime 2025-06-15T15:06:40Z, the source has 2023-11-14T22:13:20Z`,
    ]);
  });
});

describeWith([], 'from pip', () => {
  it('a copy that gave all files another mtime', async () => {
    const source = plantBuildroot({
      '/pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
      '/backend.py': backend,
    });
    const work = temporaryDirectory();
    await execa(python, ['-m', 'venv', join(work, 'venv')]);
    const target = join(work, 'image/usr/lib/python3/dist-packages');
    mkdirSync(target, { recursive: true });
    const pip = ['-m', 'pip', 'install', '-q', '--no-index', '--disable-pip-version-check', '--target', target, source];
    await execa(join(work, 'venv/bin/python'), pip);
    await execa('find', [target, '-exec', 'touch', '-d', '@1600000000', '{}', '+']);
    const findings = await found(join(work, 'image'));
    expect(findings.map((line) => line.replace(/mtime [^,]+,/, 'mtime N,'))).toContain(
      `never-loaded /usr/lib/python3/dist-packages/till/__pycache__/__init__.${tag}.pyc: it records mtime N, the source has 2020-09-13T12:26:40Z`,
    );
  });
});

/** A build backend that needs nothing of the network. @see PEP 517 */
const backend = `
import os, zipfile
NAME = "till-1.0.dist-info"
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "till-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("till/__init__.py", "price = 5\\n")
        wheel.writestr(NAME + "/METADATA", "Metadata-Version: 2.1\\nName: till\\nVersion: 1.0\\n")
        wheel.writestr(NAME + "/WHEEL", "Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(NAME + "/RECORD", "till/__init__.py,,\\n")
    return name
`;
