import { recordsOf } from '../manifest/encode.ts';
import type { Manifest } from '../manifest/schema.ts';
import { type SkipReason, skipReasons } from '../skipped.ts';
import { counted, percentText, sizeText } from '../text.ts';
import { modulesOfRecords } from './modules.ts';
import type { Page, PageFinding } from './page.ts';

/** Makes a page of a build. Its findings are the files that were skipped or not linked. */
export function pageOfBuild(buildroot: string, manifest: Manifest): Page {
  const skipped = manifest.skipped.map(({ path, reason, message }): PageFinding => {
    const [firstLine] = message?.split('\n') ?? [];
    const meaning = skipReasons[reason as SkipReason] ?? reason;
    return { kind: reason, path, detail: firstLine === undefined ? meaning : `${meaning}: ${firstLine}` };
  });
  return { title: `pyclink build ${buildroot}`, ...factsOf([manifest]), findings: skipped };
}

/** Makes a page of verify: the modules of the manifest, and the findings. */
export function pageOfVerify(
  targets: readonly string[],
  manifests: readonly Manifest[],
  findings: readonly PageFinding[],
): Page {
  return { title: `pyclink verify ${targets.join(' ')}`, ...factsOf(manifests), findings };
}

function factsOf(manifests: readonly Manifest[]): Omit<Page, 'title' | 'findings'> {
  const sum = (what: keyof Manifest['totals']) => manifests.reduce((total, { totals }) => total + totals[what], 0);
  const [sizeBytes, sizeBytesWithoutLinks] = [sum('sizeBytes'), sum('sizeBytesWithoutLinks')];
  const savedBytes = sizeBytesWithoutLinks - sizeBytes;
  const saved = `${sizeText(savedBytes)} saved (${percentText(savedBytes, sizeBytesWithoutLinks)})`;
  return {
    headline: `${sizeText(sizeBytesWithoutLinks)} of bytecode before links, ${sizeText(sizeBytes)} after: ${saved}.`,
    facts: [
      `${counted(sum('pycs'), 'pyc')}, ${counted(sum('links'), 'link')} in ${counted(sum('linkGroups'), 'group')}`,
      ...new Set(
        manifests.flatMap(({ interpreters }) =>
          interpreters.map(({ implementation, version, cacheTag }) => `${implementation} ${version}: ${cacheTag}`),
        ),
      ),
    ],
    hatched: 'links save',
    modules: modulesOfRecords(manifests.flatMap((manifest) => recordsOf(manifest))),
  };
}
