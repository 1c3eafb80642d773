import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { everythingIn, type Planted, plant } from '../../test/helpers/buildroot.ts';
import { thisRelease } from '../../test/helpers/release.ts';
import { type InWorld, inWorld, type Place } from './in-world.ts';
import { pycs, type Spec, specText } from './rpm.ts';

/** The systems that rpm tests run in: this machine's rpm (4.18), 4.20 and 6.1. */
export const rpmMachines = [thisRelease, 'trixie', 'sid'] as const;

/** Whose macros a build reads: those of rpm alone, or with what Fedora or openSUSE have besides. */
export const macroSets = ['bare', 'fedora', 'opensuse'] as const;
/** Further ones: no number of jobs, or all of the buildroot to compile with one interpreter. */
export type MacroSet = (typeof macroSets)[number] | 'pld' | 'openeuler';

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
export interface MachineBuild {
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

/** A system to build packages in, with pyclink and the macros of others. */
export class RpmMachine {
  readonly world: InWorld;
  /** `3.13` */
  readonly minor: string;
  readonly site: string;
  readonly #cacheTag: string;
  /** Whose platform files there are. */
  #platform: MacroSet = 'bare';

  private constructor(world: InWorld, minor: string) {
    this.world = world;
    this.minor = minor;
    this.site = `/usr/lib/python${minor}/site-packages`;
    this.#cacheTag = `cpython-${minor.replace('.', '')}`;
  }

  static async open(name: Place): Promise<RpmMachine> {
    const world = await inWorld(name);
    world.stagePyclink();
    const own = join(world.directory, 'srv');
    for (const set of ['fedora-like', 'opensuse-like', 'pld-like', 'openeuler-like']) {
      cpSync(join(import.meta.dirname, set), join(own, set), { recursive: true });
    }
    cpSync(join(import.meta.dirname, 'fedora-like/redhat'), join(world.directory, 'usr/lib/rpm/redhat'), {
      recursive: true,
    });
    const script = 'import sys; print("%d.%d" % sys.version_info[:2])';
    const { stdout: minor } = await world.inside('/usr/bin/python3', '-c', script);
    return new RpmMachine(world, minor);
  }

  /** The payload paths of a source's pycs at levels 0 and 1. */
  pycs(...sources: string[]): string[] {
    return sources.flatMap((source) => pycs(source, [0, 1], this.#cacheTag)).sort();
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
