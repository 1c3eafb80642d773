import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';
import { everythingIn, type Planted, plant } from '../../test/helpers/buildroot.ts';
import { thisRelease } from '../../test/helpers/release.ts';
import { describeInWorld, type InWorld, inWorld, type Place } from './in-world.ts';
import { pycs, type Spec, specText } from './rpm.ts';

/** The systems that rpm tests run in: this machine's rpm (4.18 on Debian 12), 4.20 and 6.1. */
const rpmMachines = [...new Set<Place>([thisRelease, 'trixie', 'sid'])];

/** A module whose levels 0 and 1 are the same. */
const shopText = 'def pay(price):\n    return price\n';

/** Whose macros a build reads: those of rpm alone, or with what Fedora or openSUSE have besides. */
export const macroSets = ['bare', 'fedora', 'opensuse'] as const;
/** Further ones: no number of jobs, or all of the buildroot to compile with one interpreter. */
type MacroSet = (typeof macroSets)[number] | 'pld' | 'openeuler';

/** Which files of its own a set has: some before the platform's, some after it. */
const files: Readonly<Record<MacroSet, { readonly early: string; readonly late: string }>> = {
  bare: { early: '', late: '' },
  fedora: { early: '/srv/fedora-like/macros.d/macros.*', late: '/srv/fedora-like/macros.vendor' },
  opensuse: { early: '', late: '/srv/opensuse-like/macros.suse' },
  pld: { early: '', late: '/srv/pld-like/macros.pld' },
  openeuler: { early: '', late: '/srv/openeuler-like/macros.openeuler' },
};

export interface MachineOptions extends Spec {
  readonly plant?: Readonly<Record<string, Planted>>;
  readonly macros?: MacroSet;
  /** Whether pyclink's macro file is read; default: it is. */
  readonly pyclink?: boolean;
  readonly defines?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The calls of rpmbuild, one after the other; default: `-bb`. What is said is the last one's. */
  readonly calls?: readonly (readonly string[])[];
}

/** What became of a build. */
interface MachineBuild {
  readonly status: number | undefined;
  /** What rpmbuild and its scripts wrote, less the trace of their commands. */
  readonly log: string;
  /** The lines of it in which pyclink speaks. */
  readonly said: readonly string[];
  /** Paths in the machine. */
  readonly rpms: readonly string[];
  readonly manifest: string | undefined;
  /** The pycs in the buildroot, as installed. */
  readonly compiled: readonly string[];
  /** The buildroot, as this process sees it. */
  readonly buildroot: string;
}

/** `describe` for each of the systems, with a machine that is open while its tests run. */
export function describeOnRpm(title: string, tests: (machine: RpmMachine, name: Place) => void): void {
  for (const name of rpmMachines) {
    describeInWorld(name, `${title} (${name})`, () => {
      const machine = new RpmMachine();
      beforeAll(async () => {
        await machine.open(name);
        return machine.world.remove;
      }, 120_000);
      tests(machine, name);
    });
  }
}

/** A system to build packages in, with pyclink and the macros of others. */
class RpmMachine {
  world!: InWorld;
  /** `3.13` */
  minor!: string;
  /** Whose platform files there are. */
  #platform: MacroSet = 'bare';

  async open(name: Place): Promise<void> {
    this.world = await inWorld(name);
    this.world.stagePyclink();
    const own = join(this.world.directory, 'srv');
    for (const set of ['fedora-like', 'opensuse-like', 'pld-like', 'openeuler-like']) {
      cpSync(join(import.meta.dirname, set), join(own, set), { recursive: true });
    }
    cpSync(join(import.meta.dirname, 'fedora-like/redhat'), join(this.world.directory, 'usr/lib/rpm/redhat'), {
      recursive: true,
    });
    const script = 'import sys; print("%d.%d" % sys.version_info[:2])';
    this.minor = (await this.world.inside('/usr/bin/python3', '-c', script)).stdout;
  }

  /** Where its Python has modules. */
  get site(): string {
    return `/usr/lib/python${this.minor}/site-packages`;
  }

  /** The module that most tests package. */
  get cart(): string {
    return `${this.site}/shop/cart.py`;
  }

  /** The payload paths of a source's pycs at levels 0 and 1. */
  pycs(...sources: string[]): string[] {
    return sources.flatMap((source) => pycs(source, [0, 1], `cpython-${this.minor.replace('.', '')}`)).sort();
  }

  /** A build that succeeds, by default of the cart. */
  async built(options: MachineOptions): Promise<MachineBuild> {
    const build = await this.build({ plant: { [this.cart]: shopText }, ...options });
    expect(build, build.log).toMatchObject({ status: 0 });
    return build;
  }

  async build(options: MachineOptions): Promise<MachineBuild> {
    const { macros = 'bare', pyclink = true, calls = [['-bb']] } = options;
    const top = join(this.world.directory, 'srv/top');
    const planted = join(this.world.directory, 'srv/planted');
    for (const directory of [top, planted]) rmSync(directory, { recursive: true, force: true });
    mkdirSync(planted, { recursive: true });
    plant(planted, options.plant ?? {});
    writeFileSync(join(this.world.directory, 'srv/shop.spec'), specText(options));
    this.#usePlatform(macros);

    const { early, late } = files[macros];
    const ours = pyclink ? '/usr/lib/rpm/macros.d/macros.zz-pyclink' : '';
    const read = ['/usr/lib/rpm/macros', early, ours, '/usr/lib/rpm/platform/%{_target}/macros', late];
    const defines = { _topdir: '/srv/top', planted: '/srv/planted', debug_package: '%{nil}', ...options.defines };
    const words = [
      ...['--macros', read.filter((file) => file !== '').join(':'), '--nodeps', '--noclean'],
      ...Object.entries(defines).flatMap(([name, value]) => ['--define', `${name} ${value}`]),
      '/srv/shop.spec',
    ];
    const env = Object.entries({ HOME: '/nonexistent', ...options.env }).map(([name, value]) => `${name}=${value}`);
    let status: number | undefined;
    let log = '';
    for (const call of calls) {
      // One pipe for both streams keeps their order.
      const script = 'exec "$@" 2>&1';
      const ran = await this.world.attempt('env', ...env, 'sh', '-c', script, 'sh', 'rpmbuild', ...call, ...words);
      status = ran.exitCode;
      log = ran.stdout.replace(/^\++ .*\n/gm, '');
    }
    const made = everythingIn(top);
    const [root = ''] = made
      .filter((path) => /BUILDROOT(\/shop-[^/]*)?$/.test(path))
      .toSorted((a, b) => b.length - a.length);
    const buildroot = join(top, root);
    return {
      status,
      log,
      said: log.split('\n').filter((line) => line.startsWith('pyclink: ')),
      rpms: made.filter((path) => path.endsWith('.rpm') && path.includes('RPMS/')).map((path) => `/srv/top/${path}`),
      manifest: made.filter((path) => /pyclink-shop-[^/]*\.json$/.test(path)).map((path) => `/srv/top/${path}`)[0],
      compiled:
        root === ''
          ? []
          : everythingIn(buildroot)
              .filter((path) => path.endsWith('.pyc'))
              .map((path) => `/${path}`),
      buildroot,
    };
  }

  /** Holds the packages of a build against its manifest. */
  async verify({ manifest, rpms }: MachineBuild): Promise<{ status: number | undefined; said: string[] }> {
    const { exitCode, all } = await this.world.attempt('pyclink', 'verify', '--manifest', `${manifest}`, ...rpms);
    return { status: exitCode, said: all.split('\n') };
  }

  /** Only Debian's rpm has the step in its platform file. */
  #usePlatform(macros: MacroSet): void {
    if (macros === this.#platform) return;
    this.#platform = macros;
    const platforms = 'usr/lib/rpm/platform';
    for (const platform of readdirSync(join(this.world.lower, platforms))) {
      const file = join(platforms, platform, 'macros');
      const text = readFileSync(join(this.world.lower, file), 'utf8');
      mkdirSync(join(this.world.directory, file, '..'), { recursive: true });
      const kept = macros === 'bare' ? text : text.replace(/^%_*(brp_)?python_bytecompile.*\n/gm, '');
      writeFileSync(join(this.world.directory, file), kept);
    }
  }
}
