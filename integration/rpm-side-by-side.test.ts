/** Builds each kind of package twice, with Fedora's own step and with pyclink in its place: the packages are the same. */
import { beforeAll, expect, it } from 'vitest';
import type { Planted } from '../test/helpers/buildroot.ts';
import { describeOnRpm, type MachineOptions } from './helpers/rpm-machine.ts';

const epoch = 1_600_000_000;
const newer = epoch + 86_400;

/** A module whose two levels are equal, and one whose levels differ. */
const alike = 'import os\n\n\ndef pay(price):\n    return price\n';
const asserting = 'def pay(price):\n    """Pays."""\n    assert price\n    return price\n';
const bad = 'def (\n';
const python2 = 'print "Read me."\n';
const template = 'import {{ name }}\n\n\nclass {{ name }}(object):\n    pass\n';

const tolerant = '%global _python_bytecompile_errors_terminate_build 0';

interface Kind extends Pick<MachineOptions, 'preamble' | 'install' | 'arch'> {
  /** How many pycs there are; each module has two. */
  readonly pycs: number;
  readonly plant: Readonly<Record<string, Planted>>;
}

/** What Fedora packages, by kind. `pythons` are the interpreters of the machine: `3.13`. */
function kindsOf(site: string, pythons: readonly string[]): Readonly<Record<string, Kind>> {
  const below = (directory: string, files: Readonly<Record<string, string>>, mtime = epoch - 100) =>
    Object.fromEntries(
      Object.entries(files).map(([name, content]) => [`${directory}/${name}`, { content, mtime }] as const),
    );
  const lib64 = site.replace('/lib/', '/lib64/');
  const many = Object.fromEntries(
    Array.from({ length: 2000 }, (_, i) => [`p${i % 20}/m${i}.py`, i % 3 === 0 ? asserting : `${alike}x = ${i}\n`]),
  );
  return {
    'a flat module': { plant: below(site, { 'flat.py': alike }, newer), pycs: 2 },
    'a namespace package': {
      plant: below(site, { 'acme/shop/__init__.py': '', 'acme/shop/cart.py': asserting, 'acme/other/till.py': alike }),
      pycs: 6,
    },
    'an extension module beside a source': {
      arch: 'native',
      plant: below(site, { 'fast/__init__.py': alike, 'fast/cart.py': asserting }),
      install: `cp -p $(ls /usr/lib/python3*/lib-dynload/_asyncio*.so | head -n 1) %{buildroot}${site}/fast/`,
      pycs: 4,
    },
    'data that are Python 2': {
      plant: {
        ...below(site, { 'shop/cart.py': alike }),
        ...below('/usr/share/shop', { 'old.py': python2, 'sub/older.py': python2 }, newer),
      },
      pycs: 2,
    },
    'templates named .py': {
      preamble: tolerant,
      plant: below(site, {
        'shop/make.py': alike,
        'shop/templates/view.py': template,
        'shop/templates/{{ x }}.py': '',
      }),
      pycs: 4,
    },
    'lib and lib64': {
      plant: { ...below(site, { 'shop/cart.py': alike }), ...below(lib64, { 'shop/fast.py': asserting }) },
      pycs: 4,
    },
    'all interpreters of the system': {
      plant: Object.assign(
        {},
        ...pythons.map((minor) => below(`/usr/lib/python${minor}/site-packages`, { 'shop/cart.py': alike })),
      ),
      pycs: 2 * pythons.length,
    },
    'a private tree': {
      plant: {
        ...below('/usr/share/shop', { 'app/cart.py': asserting, 'app/lib/till.py': alike }, newer),
        ...below('/usr/libexec/shop', { 'run.py': alike }),
        ...below('/opt/acme/lib/python3.99', { 'private.py': alike }),
      },
      install: '%py_byte_compile /usr/bin/python3 %{buildroot}/usr/share/shop/app',
      pycs: 4,
    },
    'tests with bad syntax': {
      preamble: tolerant,
      plant: below(site, { 'shop/cart.py': alike, 'shop/tests/bad.py': bad, 'shop/tests/good.py': asserting }),
      pycs: 4,
    },
    '2,000 modules': { plant: below(site, many), pycs: 4000 },
  };
}

describeOnRpm("beside Fedora's own step", (machine) => {
  let kinds: ReturnType<typeof kindsOf>;

  beforeAll(async () => {
    const list = 'cd /usr/bin && ls python3.* | grep -x "python3\\.[0-9]*"';
    const { stdout } = await machine.world.inside('sh', '-c', list);
    const pythons = stdout.split('\n').map((command) => command.replace('python', ''));
    kinds = kindsOf(machine.site, pythons);
  });

  const build = (kind: Kind, pyclink: boolean) =>
    machine.build({
      macros: 'fedora',
      ...kind,
      pyclink,
      defines: { clamp_mtime_to_source_date_epoch: '1' },
      env: { SOURCE_DATE_EPOCH: `${epoch}` },
      ...('/opt/acme/lib/python3.99/private.py' in kind.plant ? { files: '\n/usr\n/opt' } : { files: '\n/usr' }),
    });

  /** What rpm recorded of each file, and which pycs it recorded as one. */
  async function recorded(rpms: readonly string[]) {
    const tags = '%{FILEMODES:octal} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEMTIMES} %{FILENAMES}';
    const query = (format: string) => machine.world.inside('rpm', '-qp', '--qf', `[${format}\\n]`, ...rpms);
    const files = (await query(tags)).stdout.split('\n').toSorted();
    const groups = new Map<string, string[]>();
    for (const line of (await query('%{FILEINODES} %{FILENAMES}')).stdout.split('\n')) {
      const [inode = '', path = ''] = line.split(/ (.*)/);
      if (path.endsWith('.pyc')) groups.set(inode, [...(groups.get(inode) ?? []), path]);
    }
    return { files, groups: [...groups.values()].filter((group) => group.length > 1) };
  }

  const names = Object.keys(kindsOf('/usr/lib/python3/site-packages', []));
  it.each(names)('packages %s with the same files, modes and mtimes, plus the links', async (kindName) => {
    const kind = kinds[kindName] as Kind;
    const stock = await build(kind, false);
    expect(stock, stock.log).toMatchObject({ status: 0, manifest: undefined });
    const stocks = await recorded(stock.rpms);
    expect(stocks.files.filter((line) => line.endsWith('.pyc')).length).toBe(kind.pycs);

    const ours = await build(kind, true);
    expect(ours, ours.log).toMatchObject({ status: 0 });
    expect(ours.said[0] ?? '').toContain('pyclink: ');
    const { files, groups } = await recorded(ours.rpms);
    expect(files).toEqual(stocks.files);
    const apart = stocks.groups.filter((group) => !groups.some((own) => group.every((path) => own.includes(path))));
    expect(apart).toEqual([]);
    expect(groups.length).toBeGreaterThan(0);
    expect(await machine.verify(ours)).toMatchObject({ status: 0 });
  });

  it('ends the build for a source that does not compile, like that step', async () => {
    const kind = { ...(kinds['tests with bad syntax'] as Kind), preamble: '' };
    for (const pyclink of [false, true]) expect(await build(kind, pyclink)).toMatchObject({ status: 1, rpms: [] });
  });

  it('loses nothing to a step that links all equal files after it', async () => {
    const kind = kinds['a namespace package'] as Kind;
    const preamble = '%global __brp_linkdupes hardlink -c %{buildroot}/usr';
    const ours = await build({ ...kind, preamble }, true);
    expect(ours, ours.log).toMatchObject({ status: 0 });
    expect(await machine.verify(ours)).toMatchObject({ status: 0 });
  });
});
