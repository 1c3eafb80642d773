import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { stage } from '../stage.ts';

/**
 * Builds pyclink's RPM from a tree that is staged in this directory.
 * @param epoch the time that all of it has, in seconds since 1970
 * @returns the packages
 */
export async function buildRpm(directory: string, epoch = '1600000000'): Promise<string[]> {
  const staged = join(directory, 'staged');
  stage(staged);
  const spec = join(directory, 'pyclink.spec');
  cpSync(join(import.meta.dirname, '../../rpm-macros/pyclink.spec'), spec);
  const defines = Object.entries({
    _topdir: join(directory, 'top'),
    _tmppath: directory,
    _buildhost: 'localhost',
    staged,
    clamp_mtime_to_source_date_epoch: '1',
    use_source_date_epoch_as_buildtime: '1',
  }).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  await execa('rpmbuild', ['-bb', ...defines, spec], { env: { HOME: directory, SOURCE_DATE_EPOCH: epoch } });
  const rpms = join(directory, 'top/RPMS');
  return everythingIn(rpms)
    .filter((path) => path.endsWith('.rpm'))
    .map((path) => join(rpms, path));
}
