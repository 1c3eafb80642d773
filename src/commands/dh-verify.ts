import { existsSync } from 'node:fs';
import { openBuildroot } from '../buildroot/open.ts';
import type { BinaryPackage, DebhelperCall } from '../debian/call.ts';
import { manifestFile } from '../debian/packages.ts';
import { exitStatus } from '../errors.ts';
import { findPycs } from '../links/find.ts';
import { narrowModes } from '../links/narrow.ts';
import type { Log } from '../log.ts';
import type { ReadOptions } from '../payload/targets.ts';
import { counted } from '../text.ts';
import type { DhContext } from './dh.ts';
import type { CommandResult } from './result.ts';
import { verifyCommand } from './verify.ts';

/**
 * `pyclink dh --verify`: the last step before checksums are taken. Narrows the modes of pycs to those of their sources,
 * because dh_fixperms may have left them alone, and verifies the packages against their manifests. @throws PyclinkError
 */
export async function dhVerifyCommand(call: DebhelperCall, context: DhContext): Promise<CommandResult> {
  const reports: CommandResult[] = [];
  const epoch = context.environment['SOURCE_DATE_EPOCH'];
  const latest = epoch === undefined || epoch === '' ? {} : { latestMtimeSeconds: Number(epoch) };
  for (const target of call.packages) {
    const isBuilt = existsSync(manifestFile(target)) && existsSync(target.tree);
    if (isBuilt && !call.dryRun) reports.push(await verifyPackage(target, latest, context.log));
  }
  const wrong = reports.filter(({ status }) => status !== exitStatus.done);
  return {
    status: wrong.length > 0 ? exitStatus.problems : exitStatus.done,
    text: (call.verbose ? reports : wrong).map(({ text }) => text).join(''),
    data: reports.map(({ data }) => data),
  };
}

async function verifyPackage(target: BinaryPackage, latest: ReadOptions, log: Log): Promise<CommandResult> {
  const { directories } = findPycs(openBuildroot(target.tree), []);
  const sets = directories.flatMap((directory) => directory.sets);
  const narrowed = sets.reduce((sum, pycs) => sum + narrowModes(pycs, false), 0);
  if (narrowed > 0) {
    const what = `${counted(narrowed, 'pyc')} readable by more users than their sources: modes narrowed`;
    log.warn(`${target.name}: ${what}`);
  }
  // A package may contain other pycs on purpose.
  const what = { manifests: [manifestFile(target)], targets: [target.tree], allow: ['/**'] };
  const report = await verifyCommand({ ...what, ...latest });
  const { findings, unreadable, unrelated } = report.data;
  if (findings.length + unreadable.length > 0) {
    const hint =
      'call dh_pyclink again after the step that changed them; dh_pyclink(1) says how to turn off this check';
    log.error({ hint }, `${target.name}: pycs or their sources changed after dh_pyclink`);
    return report;
  }
  if (unrelated.length > 0) log.warn(`${target.name}: the package contains none of the pycs that dh_pyclink wrote`);
  return { ...report, status: exitStatus.done };
}
