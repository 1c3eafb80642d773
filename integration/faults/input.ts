import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import { auditCommand } from '../../src/commands/audit.ts';
import { relinkCommand } from '../../src/commands/relink.ts';
import { verifyCommand } from '../../src/commands/verify.ts';
import { PyclinkError } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { readBuildOptions } from '../../src/pipeline/options.ts';
import { translateBrp } from '../../src/rpm/brp.ts';
import { contentsOf, plant } from '../../test/helpers/buildroot.ts';
import { pyclink } from '../../test/helpers/pyclink.ts';
import { fingerprintOf } from '../helpers/canary.ts';
import { library } from '../helpers/healthy.ts';
import { damaged, type Random, randomFrom } from '../helpers/random.ts';
import { type Outcome, Tally } from './case.ts';
import { copyTree, inDirectory } from './tree.ts';

/** The targets of attack: a buildroot, its manifest and packages, and a tree outside that must not change. */
interface Target {
  readonly buildroot: string;
  readonly outside: string;
  readonly manifest: Buffer;
  readonly packages: Readonly<Record<'tar' | 'deb' | 'rpm' | 'whl', Buffer>>;
  /** A file to write the damaged input to. */
  file(name: string): string;
}

/** Processes one damaged input. @throws anything; a PyclinkError is what the user would see */
type Attempt = (target: Target, random: Random) => Promise<unknown> | unknown;

const silent = createLog('warn', 'lines', new PassThrough().resume());

/** Longer than any of these inputs takes on a busy machine. */
const limitMs = 20_000;

const attempts: Readonly<Record<string, Attempt>> = {
  'relink of a damaged manifest': (target, random) => relink(target, damaged(target.manifest, random)),
  'relink of a manifest with foreign paths': (target, random) =>
    relink(target, Buffer.from(JSON.stringify(withForeignPaths(target, random)))),
  'verify of a damaged tar': (target, random) => verify(target, 'layer.tar', target.packages.tar, random),
  'verify of a damaged deb': (target, random) => verify(target, 'package.deb', target.packages.deb, random),
  'audit of a damaged tar': (target, random) => audit(target, 'layer.tar', target.packages.tar, random),
  'audit of a damaged wheel': (target, random) => audit(target, 'shop.whl', target.packages.whl, random),
  'audit with a damaged baseline': (target, random) => auditWithBaseline(target, random),
  'verify of a damaged rpm': (target, random) => verify(target, 'package.rpm', target.packages.rpm, random),
  'flags and environment of build': (_, random) => {
    const some = (from: readonly string[]) => from.filter(() => random(5) === 0);
    const value = (name: string) => (random(8) === 0 ? anyValue(random, 2) : plausible(name, random));
    const flags = Object.fromEntries(some(flagNames).map((name) => [name, value(name)]));
    const environment = Object.fromEntries(
      some(variables).map((name) => [name, random(8) === 0 ? anyText(random) : String(random(100))]),
    );
    return readBuildOptions([anyText(random)], flags, environment, 2);
  },
  'words of an rpm macro': (_, random) =>
    translateBrp(['bytecompile', 'py-byte-compile', anyText(random)][random(3)] as string, anyWords(random)),
};

/** Gives damaged and hostile input to everything that reads input. A round is one input. */
export async function inputCase(rounds: number, seed: number): Promise<Outcome> {
  const tally = new Tally();
  const random = randomFrom(seed);
  await inDirectory(async (work) => {
    const target = await plantTarget(work);
    const state = () => [contentsOf(target.buildroot), fingerprintOf(target.outside)];
    const before = state();
    const all = Object.entries(attempts);
    for (let round = 0; round < rounds; round++) {
      const [name, attempt] = all[round % all.length] as (typeof all)[number];
      const started = performance.now();
      const problems: string[] = [];
      let answer = 'read';
      try {
        await attempt(target, random);
      } catch (error) {
        if (error instanceof PyclinkError) answer = error.code;
        else problems.push(`throws ${error instanceof Error ? error.stack : error}`);
      }
      if (performance.now() - started > limitMs) problems.push('takes too long');
      if (name.startsWith('relink') && !isDeepStrictEqual(state(), before)) problems.push('changed something');
      tally.count(name, answer);
      tally.round(`round ${round}, ${name}`, problems);
    }
  });
  return tally.outcome;
}

async function plantTarget(work: string): Promise<Target> {
  const [buildroot, outside, file] = [join(work, 'buildroot'), join(work, 'outside'), join(work, 'manifest.json')];
  const shop = `${library}/shop`;
  plant(buildroot, { [`${shop}/cart.py`]: '"""Text."""\nitems = []\n', [`${shop}/till.py`]: 'total = 0\n' });
  const { status, stderr } = await pyclink(['build', '--buildroot', buildroot, '-q', '--manifest', file]);
  if (status !== 0) throw new Error(stderr);
  const packages = await pack(work, buildroot);
  // A copy without links, so that relink has something to do.
  const broken = join(work, 'broken');
  await execa('cp', ['-r', '--preserve=mode,timestamps', buildroot, broken]);
  await execa('rm', ['-rf', buildroot]);
  await copyTree(broken, buildroot);
  await copyTree(broken, outside);
  symlinkSync(join(outside, shop), join(buildroot, library, 'absolute'));
  symlinkSync(`${'../'.repeat(20)}${outside}${shop}`, join(buildroot, library, 'climbing'));
  return { buildroot, outside, manifest: readFileSync(file), packages, file: (name) => join(work, name) };
}

async function pack(work: string, buildroot: string): Promise<Target['packages']> {
  const [tar, tree] = [join(work, 'made.tar'), join(work, 'tree')];
  await execa('tar', ['--create', '--file', tar, '--directory', buildroot, '.']);
  await copyTree(buildroot, tree);
  mkdirSync(join(tree, 'DEBIAN'));
  const control = 'Package: shop\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: shop\n';
  writeFileSync(join(tree, 'DEBIAN/control'), control);
  await execa('dpkg-deb', ['--root-owner-group', '--build', tree, join(work, 'made.deb')]);
  const deb = readFileSync(join(work, 'made.deb'));
  const spec = `Name: shop\nVersion: 1\nRelease: 1\nSummary: shop\nLicense: MIT\nBuildArch: noarch\n%description\nshop\n%install\ncp -a ${buildroot}/. %{buildroot}\n%files\n/usr\n`;
  writeFileSync(join(work, 'shop.spec'), spec);
  const macros = [`_topdir ${work}/rpmbuild`, '__os_install_post %{nil}'].flatMap((macro) => ['--define', macro]);
  await execa('rpmbuild', ['-bb', ...macros, join(work, 'shop.spec')]);
  const rpm = readFileSync(join(work, 'rpmbuild/RPMS/noarch/shop-1-1.noarch.rpm'));
  const wheel = join(work, 'made.whl');
  await execa('zip', ['-q', '-r', wheel, '.'], { cwd: buildroot });
  return { tar: readFileSync(tar), deb, rpm, whl: readFileSync(wheel) };
}

async function relink({ buildroot, file }: Target, manifest: Buffer): Promise<void> {
  writeFileSync(file('hostile.json'), manifest);
  await relinkCommand({ buildroot, manifest: file('hostile.json'), dryRun: false, prepend: '/' }, silent);
}

async function verify(target: Target, name: string, whole: Buffer, random: Random): Promise<void> {
  writeFileSync(target.file(name), damaged(whole, random));
  writeFileSync(target.file('good.json'), target.manifest);
  await verifyCommand({ manifests: [target.file('good.json')], allow: [], targets: [target.file(name)] });
}

const plainAudit = { verbose: true, format: 'text' } as const;

async function audit(target: Target, name: string, whole: Buffer, random: Random): Promise<void> {
  writeFileSync(target.file(name), damaged(whole, random));
  await auditCommand({ ...plainAudit, targets: [target.file(name)] }, silent);
}

async function auditWithBaseline({ buildroot, file }: Target, random: Random): Promise<void> {
  const known = { findings: [{ kind: 'stale', path: `${library}/shop/cart.py`, detail: '' }] };
  writeFileSync(file('known.json'), damaged(Buffer.from(JSON.stringify(known)), random));
  await auditCommand({ ...plainAudit, targets: [buildroot], baseline: file('known.json') }, silent);
}

/** A well-formed manifest that lists files outside the buildroot. */
function withForeignPaths({ manifest, outside, buildroot }: Target, random: Random): unknown {
  const data = JSON.parse(manifest.toString()) as { linkGroups: { source: string; paths: string[] }[] };
  const shop = `${library}/shop`;
  const ways = [
    `${library}/absolute`,
    `${library}/climbing`,
    `${'/..'.repeat(9)}${outside}${shop}`,
    `${outside}${shop}`,
    `${shop}/../../../../../../..${outside}${shop}`,
    `${buildroot}${shop}`,
    `/proc/self/root${outside}${shop}`,
  ];
  const way = ways[random(ways.length)] as string;
  for (const group of data.linkGroups) {
    const whole = random(8) !== 0;
    const move = (path: string) => (whole || random(2) === 0 ? path.replace(shop, way) : path);
    group.paths = group.paths.map(move);
    group.source = move(group.source);
  }
  return data;
}

const flagNames = [
  'buildroot',
  'python',
  'optimize',
  'strip',
  'prepend',
  'invalidationMode',
  'mtimePolicy',
  'jobs',
].concat('excludeRegex', 'exclude', 'errors', 'allowErrors', 'link', 'manifest', 'append', 'filelistFor', 'unheardOf');
const variables = ['RPM_BUILD_ROOT', 'SOURCE_DATE_EPOCH', 'RPM_BUILD_NCPUS', 'DEB_BUILD_OPTIONS'];
const pieces = [
  '-',
  '--',
  '=',
  '/',
  '..',
  '*',
  '**',
  '[',
  '(',
  '\\',
  '\0',
  '\n',
  ' ',
  'a',
  '0',
  '9'.repeat(20),
  'ß',
  '\ud800',
].concat('-p', '--package', 'parallel=', '%{', '$(', '`', '--python', '{a,b}', '!(x)', '__proto__');

/** A plausible value for a flag, with arbitrary text in it. */
function plausible(name: string, random: Random): unknown {
  const text = anyText(random);
  const values: Readonly<Record<string, unknown>> = {
    optimize: [String(random(4))],
    strip: `/${text}`,
    invalidationMode: ['timestamp', 'checked-hash', 'unchecked-hash'][random(3)],
    mtimePolicy: ['clamp', 'set', 'keep'][random(3)],
    jobs: String(random(100)),
    excludeRegex: [text],
    exclude: [`/${text}`],
    allowErrors: [`/${text}`],
    errors: ['fail', 'warn'][random(2)],
    link: random(2) === 0,
    append: random(2) === 0,
    filelistFor: [`${text}=${text}`],
  };
  return name in values ? values[name] : text;
}

function anyText(random: Random): string {
  return Array.from({ length: random(6) }, () => pieces[random(pieces.length)]).join('');
}

function anyWords(random: Random): string[] {
  return Array.from({ length: random(8) }, () => anyText(random));
}

function anyValue(random: Random, depth: number): unknown {
  const kind = random(depth > 0 ? 7 : 5);
  if (kind === 5) return Array.from({ length: random(4) }, () => anyValue(random, depth - 1));
  if (kind === 6) return { [anyText(random)]: anyValue(random, depth - 1) };
  return [anyText(random), random(100) - 50, random(2) === 0, null, undefined][kind];
}
