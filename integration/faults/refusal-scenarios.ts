import { join } from 'node:path';
import { execa } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { pyclink } from '../../test/helpers/pyclink.ts';
import { systemPython } from '../../test/helpers/pythons.ts';
import { quietBuild } from '../helpers/healthy.ts';

/** Where a round works: always the same paths, so that a call has the same name in each run. */
export interface Place {
  readonly buildroot: string;
  readonly cache: string;
  readonly manifest: string;
}

/** A command that touches files, and what is there before it. */
export interface Scenario {
  /** Makes what the command finds, besides the sources. */
  readonly before?: (place: Place) => Promise<unknown>;
  readonly call: (place: Place) => readonly string[];
  /** Which files may be refused, as a regular expression. Default: the victims. */
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What is gone need not be removed, and that is no problem. */
  readonly removes?: boolean;
}

/** Every command, in every way in which it gets at files. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  build: { call: (place) => recorded(place) },
  'build over other pycs': { before: (place) => unlinked(place), call: (place) => recorded(place) },
  'build over the same pycs': { before: (place) => run(recorded(place)), call: (place) => recorded(place) },
  'build without links': { before: (place) => run(recorded(place)), call: (place) => recorded(place, '--no-link') },
  'build that clamps mtimes': { call: (place) => recorded(place), env: { SOURCE_DATE_EPOCH: '1600000000' } },
  'build in threads': { call: (place) => recorded(place, '-j', '8') },
  'build that fills a cache': { call: (place) => cached(place) },
  'build from a cache': { before: (place) => stocked(place), call: (place) => cached(place) },
  'build from a cache, in threads': { before: (place) => stocked(place), call: (place) => cached(place, '-j', '8') },
  'build --keep-current': kept('timestamp'),
  'build --keep-current, checked hashes': kept('checked-hash'),
  'build --keep-current, unchecked hashes, in threads': kept('unchecked-hash', '-j', '8'),
  'build --keep-current of other pycs': {
    before: (place) => unlinked(place),
    call: (place) => recorded(place, '--keep-current'),
  },
  'build --dry-run': { call: (place) => recorded(place, '--dry-run') },
  'build --dry-run --keep-current': kept('checked-hash', '--dry-run'),
  'build --prune': {
    before: (place) => run(recorded(place)),
    call: (place) => recorded(place, '--prune', '-o', '0'),
    removes: true,
  },
  'build --remove-sources': { call: (place) => recorded(place, '--layout', 'zip', '--remove-sources') },
  'build --in-place': {
    call: ({ buildroot }) => ['build', '-q', '--in-place', '--python', systemPython.executable, buildroot],
  },
  'build --append': { before: (place) => run(recorded(place)), call: (place) => recorded(place, '--append') },
  link: linked(),
  'link --manifest': {
    before: (place) => unlinked(place),
    call: ({ buildroot, manifest }) => ['link', '-q', '--append', '--buildroot', buildroot, '--manifest', manifest],
  },
  'link --dry-run': linked('--dry-run'),
  'link --normalize': linked('--normalize'),
  relink: {
    before: (place) => copied(place),
    call: ({ buildroot, manifest }) => ['relink', '-q', '--buildroot', buildroot, '--manifest', manifest],
  },
  'relink --dry-run': {
    before: (place) => copied(place),
    call: ({ buildroot, manifest }) => ['relink', '-q', '--dry-run', '--buildroot', buildroot, '--manifest', manifest],
  },
  restamp: {
    before: (place) => run(recorded(place)),
    call: ({ buildroot, manifest }) => {
      const place = ['--buildroot', buildroot, '--manifest', manifest];
      return ['restamp', '-q', '--mtime', '9', ...place];
    },
  },
  // Whatever becomes of a cache, a build ends as without one.
  'build that fills a cache that fails': { call: (place) => cached(place), file: '/cache(?:/|$)' },
  'build from a cache that fails': {
    before: (place) => stocked(place),
    call: (place) => cached(place),
    file: '/cache(?:/|$)',
  },
  'cache stats': ofCache('stats'),
  'cache check': ofCache('check'),
  'cache trim': ofCache('trim'),
  'cache clear': ofCache('clear'),
  verify: checked('verify', 'timestamp'),
  'verify of hashes': checked('verify', 'checked-hash'),
  audit: checked('audit', 'timestamp'),
  'audit of hashes': checked('audit', 'checked-hash'),
};

function recorded({ buildroot, manifest }: Place, ...more: string[]): string[] {
  return quietBuild(buildroot, '--manifest', manifest, ...more);
}

function cached(place: Place, ...more: string[]): string[] {
  return recorded(place, '--cache-dir', place.cache, ...more);
}

async function run(args: readonly string[]): Promise<void> {
  const { status, stderr } = await pyclink(args);
  if (status !== 0) throw new Error(`status ${status}: ${stderr}`);
}

/** Pycs that are neither linked nor normal. */
async function unlinked(place: Place): Promise<void> {
  await run(recorded(place, '--no-link', '--no-normalize'));
}

/** A cache that has everything, and no pycs. */
async function stocked(place: Place): Promise<void> {
  await run(cached(place));
  const caches = everythingIn(place.buildroot).filter((path) => path.endsWith('/__pycache__'));
  await execa('rm', ['-r', ...caches.map((path) => join(place.buildroot, path))]);
}

/** A built tree whose links a copy broke. */
async function copied(place: Place): Promise<void> {
  await run(recorded(place));
  await execa('cp', ['-r', '--preserve=mode,timestamps', place.buildroot, `${place.buildroot}-copy`]);
  await execa('rm', ['-r', place.buildroot]);
  await execa('mv', [`${place.buildroot}-copy`, place.buildroot]);
}

function kept(mode: string, ...more: string[]): Scenario {
  return {
    before: (place) => run(recorded(place, '--invalidation-mode', mode)),
    call: (place) => recorded(place, '--keep-current', '--invalidation-mode', mode, ...more),
  };
}

/** Entries fail. Where it cannot be seen whose the directories are that they are in, the whole cache is refused. */
function ofCache(action: string): Scenario {
  return {
    before: (place) => stocked(place),
    call: ({ cache }) => ['cache', action, '--cache-dir', cache],
    file: '/cache/v1/[0-9a-f]{2}/',
    env: { PYCLINK_CACHE_MAX_SIZE: '1K' },
  };
}

function linked(...more: string[]): Scenario {
  return {
    before: (place) => unlinked(place),
    call: ({ buildroot }) => ['link', '-q', '--buildroot', buildroot, ...more],
  };
}

function checked(command: 'verify' | 'audit', mode: string): Scenario {
  return {
    before: (place) => run(recorded(place, '--invalidation-mode', mode)),
    call: ({ buildroot, manifest }) =>
      command === 'audit' ? ['audit', '-v', buildroot] : ['verify', '--manifest', manifest, buildroot],
  };
}
