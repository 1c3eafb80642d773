import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BinaryPackage } from './packages.ts';

/** Notes that an override has run dh_pyclink for a package, for a later call with --remaining-packages. */
export function logRun({ source, name }: BinaryPackage): void {
  appendFileSync(join(source, `debian/${name}.debhelper.log`), 'dh_pyclink\n');
}
