/** Builds packages with Debian 13's rpm 4.20: its platform file and its stages are not 4.18's. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { everythingIn } from '../test/helpers/buildroot.ts';
import { describeInWorld, type InWorld, inWorld } from './helpers/in-world.ts';
import { type Spec, specText } from './helpers/rpm.ts';

const macros = '/usr/lib/rpm/macros.d/macros.zz-pyclink';
const archs = ['noarch', 'native'] as const;
let world: InWorld;

/** Builds a package whose only source is made in %install, and so is newer than what rpm takes for the time of the build. */
async function build(spec: Spec, ...args: string[]) {
  const { stdout: minor } = await world.inside('python3', '-c', 'import sys; print("%d.%d" % sys.version_info[:2])');
  const site = `%{buildroot}/usr/lib/python${minor}/site-packages`;
  const install = `mkdir -p ${site}; sleep 1.1; echo 'x = 1' > ${site}/shop.py`;
  writeFileSync(join(world.directory, 'build/shop.spec'), specText({ ...spec, install }));
  const topdir = join(world.directory, 'build/rpmbuild');
  rmSync(topdir, { recursive: true, force: true });
  const macrosOfRun = ['_topdir /build/rpmbuild', 'planted /build/planted', 'debug_package %{nil}'];
  const define = macrosOfRun.flatMap((macro) => ['--define', macro]);
  const { all, exitCode } = await world.attempt('rpmbuild', '-bb', ...define, ...args, '/build/shop.spec');
  const made = everythingIn(topdir).map((path) => `/build/rpmbuild/${path}`);
  const announced = all.match(/^Bytecompiling .*/gm)?.length ?? 0;
  const [manifest = '', rpm = ''] = [/\.json$/, /\.rpm$/].map((suffix) => made.find((path) => suffix.test(path)));
  return { status: exitCode, log: all, made, announced, verify: () => verify(manifest, rpm) };
}

async function verify(manifest: string, rpm: string) {
  const { exitCode, stdout } = await world.attempt('pyclink', 'verify', '--manifest', manifest, rpm);
  return { status: exitCode, findings: stdout.match(/^[a-z-]+(?=: \/)/gm) ?? [], stdout };
}

const clampToBuildTime = ['--define', 'build_mtime_policy clamp_to_buildtime'];

describeInWorld('trixie', 'a build with rpm 4.20', () => {
  beforeAll(async () => {
    world = await inWorld('trixie');
    mkdirSync(join(world.directory, 'build/planted'), { recursive: true });
    world.stagePyclink();
    return world.remove;
  }, 120_000);

  it.each(archs)('has no stale pycs if rpm clamps to its time, and keeps the manifest (%s)', async (arch) => {
    const built = await build({ arch }, ...clampToBuildTime);
    expect(built, built.log).toMatchObject({ status: 0, announced: 1 });
    expect(await built.verify()).toEqual({
      status: 0,
      findings: [],
      stdout: 'pyclink: 2 pycs, 1 link group: all as built',
    });
  });

  it('would have stale ones if the source were not clamped first', async () => {
    const built = await build({}, ...clampToBuildTime, '--define', 'pyclink_options --mtime-policy=keep');
    expect(await built.verify()).toMatchObject({ status: 1, findings: ['stale', 'stale'] });
  });

  it('compiles nothing for a spec that turns the step off', async () => {
    const built = await build({ preamble: '%undefine py_auto_byte_compile' });
    expect(built, built.log).toMatchObject({ status: 0, announced: 0 });
    expect(built.made.filter((path) => /\.(pyc|json)$/.test(path))).toEqual([]);
  });

  it('keeps the debuginfo package that rpm requests in %install, if the spec loads the macros', async () => {
    const end = '%prep\n%setup -c -T';
    const preamble = `%{load:${macros}}\n%global debug_package %%package debuginfo`;
    const built = await build({ arch: 'native', preamble, end }, '--noclean');
    expect(built.announced, built.log).toBe(1);
    expect(built.made).toContain('/build/rpmbuild/BUILD/shop-1.0-build/SPECPARTS/rpm-debuginfo.specpart');
  });
});
